//! The bridge that runs: its servers, and the backend that they are at gateways.
use crate::described;
use crate::farewell::farewell;
use crate::federation::Federation;
use crate::tasks::Owned;
use crate::{Error, Settings};
use backend::{Replacer, Running, Serve};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::watch;

/// The bridge while it runs. Dropped, it ends as if the process had; its children end with it.
pub struct Service {
    running: Running,
    /// What keeps the catalog, and tells gateways of it.
    _keepers: Vec<Owned>,
}

impl Service {
    /// Starts the servers, and serves what they offer once each has told it or has failed to; those that come later are
    /// added. `supervisor` is the program that knows `supervise`, which children run below.
    ///
    /// # Errors
    /// A setting is wrong, or the address can't be bound. A server that can't be started is no error: it is tried for as long
    /// as the bridge runs.
    pub async fn start(settings: Settings, supervisor: PathBuf) -> Result<Self, Error> {
        settings.check().map_err(|(key, value, right)| Error::Setting { key, value, right })?;
        let serve = Serve {
            listen: settings.listen.clone(),
            register_at: settings.registry.clone(),
            advertise: settings.advertise.clone(),
            registry_token_file: settings.registry_token_file.clone(),
            tls: backend::Tls {
                ca_file: settings.ca_file.clone(),
                cert_file: settings.cert_file.clone(),
                key_file: settings.key_file.clone(),
                client_ca_file: settings.client_ca_file.clone(),
            },
            ..Serve::default()
        };
        let federation = Federation::new(settings, &supervisor);
        let mut keepers: Vec<Owned> = (0..federation.servers.len())
            .map(|at| Owned::spawn(Arc::clone(&federation).follow(at)))
            .collect();
        let mut changes = federation.changes();
        federation.settled().await;
        changes.borrow_and_update();
        let running = described::backend(&federation).serve(serve).await?;
        keepers.push(Owned::spawn(farewell(Arc::clone(&federation), running.sessions())));
        keepers.push(Owned::spawn(tell(federation, running.replacer(), changes)));
        Ok(Self { running, _keepers: keepers })
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.running.local_addr()
    }

    /// Ready once every gateway has given a lease.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn registered(&self) {
        self.running.registered().await;
    }

    /// Ready when the bridge has ended by itself, which it only does on an error.
    ///
    /// # Errors
    /// What made it end.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn wait(&mut self) -> Result<(), Error> {
        Ok(self.running.wait().await?)
    }

    /// Leaves the gateways, lets running calls end, then ends all children.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it stops at once.
    pub async fn shutdown(self) {
        self.running.shutdown().await;
    }
}

/// Has the backend describe itself anew with each change of the catalog.
async fn tell(federation: Arc<Federation>, backend: Replacer, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        changes.borrow_and_update();
        if let Err(error) = backend.replace(described::backend(&federation)).await {
            tracing::error!(%error, "what the servers offer now can't be served");
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("running", &self.running).finish_non_exhaustive()
    }
}
