//! The service that runs: its backend, and whoever tells the changes.
use std::net::SocketAddr;
use std::sync::Arc;

use backend::{Running, Serve};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::change::Bounds;
use crate::contexts::Contexts;
use crate::methods::{self, Desk};
use crate::outbox;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;
use crate::tasks;
use crate::{Database, Error, Settings};

/// The context service while it runs. Dropped, it ends as if the process had.
#[derive(Debug)]
pub struct Service {
    running: Running,
    telling: Option<JoinHandle<()>>,
}

impl Service {
    /// Opens the database, brings its schema up to date, and serves.
    ///
    /// # Errors
    /// The database can't be opened or is not one that this version may use, or the address can't be bound.
    pub async fn start(settings: Settings) -> Result<Self, Error> {
        let tells = !settings.registry.is_empty();
        match &settings.database {
            Database::Sqlite(path) => {
                let contexts = Sqlite::open(path, settings.connections, tells).await?;
                Self::serve(contexts, settings).await
            }
            Database::Postgres(url) => {
                let contexts = Postgres::open(url, settings.connections, tells).await?;
                Self::serve(contexts, settings).await
            }
        }
    }

    async fn serve(contexts: impl Contexts, settings: Settings) -> Result<Self, Error> {
        let contexts = Arc::new(contexts);
        let written = Arc::new(Notify::new());
        let bounds = Bounds { content: settings.max_content_bytes, metadata: settings.max_metadata_bytes };
        let desk = Desk { contexts: Arc::clone(&contexts), bounds, written: Arc::clone(&written) };
        let tells = !settings.registry.is_empty();
        let serve = Serve {
            listen: settings.listen,
            register_at: settings.registry,
            advertise: settings.advertise,
            registry_token_file: settings.registry_token_file,
            tls: backend::Tls {
                ca_file: settings.ca_file,
                cert_file: settings.cert_file,
                key_file: settings.key_file,
                client_ca_file: settings.client_ca_file,
            },
            ..Serve::default()
        };
        let running = methods::backend(desk).serve(serve).await?;
        let telling = tells.then(|| tasks::spawn(outbox::tell(contexts, running.publisher(), written)));
        Ok(Self { running, telling })
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

    /// Ready when the service has ended by itself, which it only does on an error.
    ///
    /// # Errors
    /// What made it end.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub async fn wait(&mut self) -> Result<(), Error> {
        Ok(self.running.wait().await?)
    }

    /// Leaves the gateways, lets running calls end, then stops. Changes that were not told yet are told after the
    /// next start.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, it stops at once.
    pub async fn shutdown(mut self) {
        let running = std::mem::take(&mut self.telling);
        self.running.shutdown().await;
        if let Some(telling) = running {
            telling.abort();
            // It has ended, by itself or so.
            let _ = telling.await;
        }
    }
}
