//! Where backends register themselves. A registration lives as long as its stream and its heartbeats.

use super::configured::CONFIGURED;
use super::guard::Admitted;
use super::{Backends, Guard};
use crate::config::{self, Config, ms};
use futures_util::{Stream, StreamExt};
use protocol::pb::registration::Kind;
use protocol::pb::registry_server;
use protocol::{Replica, pb};
use router::{Dialer, Health};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The gRPC service `mcpw.v1.Registry`.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    backends: Arc<Backends>,
    guard: Guard,
    dialer: Dialer,
    settings: config::Registry,
    /// How long a backend may take to describe itself.
    patience: Duration,
    /// The lease under which each instance is registered now.
    leases: Arc<Mutex<HashMap<String, Held>>>,
    /// Places for those that have said hello and were not judged yet.
    pending: Arc<Semaphore>,
    spawner: mpsc::Sender<Registered>,
}

/// An instance's place.
#[derive(Debug)]
struct Held {
    lease_id: String,
    backend: String,
}

/// A registration that was accepted and is to be kept.
pub(crate) struct Registered {
    registry: Registry,
    lease_id: String,
    admitted: Admitted,
    replica: Arc<Replica>,
    inbound: Streaming<pb::Registration>,
    leases: mpsc::Sender<Result<pb::Lease, Status>>,
}

impl Registry {
    /// The service, and the registrations that it accepted: whoever owns the control plane's tasks runs
    /// [`Registered::keep`] for each.
    pub(crate) fn new(
        backends: Arc<Backends>,
        guard: Guard,
        dialer: Dialer,
        config: &Config,
    ) -> (Self, mpsc::Receiver<Registered>) {
        let (spawner, accepted) = mpsc::channel(64);
        let settings = config.registry.clone();
        let patience = ms(config.router.connect_timeout_ms);
        let pending = Arc::new(Semaphore::new(settings.max_pending));
        let leases = Arc::default();
        (Self { backends, guard, dialer, settings, patience, leases, pending, spawner }, accepted)
    }

    fn leases(&self) -> std::sync::MutexGuard<'_, HashMap<String, Held>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lease(&self, lease_id: &str) -> pb::Lease {
        pb::Lease { lease_id: lease_id.to_owned(), ttl_ms: self.settings.lease_ms }
    }

    fn lease_time(&self) -> Duration {
        Duration::from_millis(u64::from(self.settings.lease_ms))
    }

    /// Takes a place among the registrations.
    fn admit(&self, replica: &Replica, lease_id: &str) -> Result<(), Status> {
        let mut leases = self.leases();
        let most = self.settings.max_registrations;
        let (instance, backend) = (&replica.instance, replica.backend());
        match leases.get(instance) {
            Some(held) if held.backend != backend => {
                return Err(Status::already_exists("hello.instance is that of another backend"));
            }
            None if leases.len() >= most => {
                return Err(Status::resource_exhausted(format!(
                    "{most} backends are registered, which is registry.max_registrations"
                )));
            }
            _ => {}
        }
        let held = Held { lease_id: lease_id.to_owned(), backend: backend.to_owned() };
        leases.insert(instance.clone(), held);
        Ok(())
    }

    /// Gives the place back, unless a newer registration of the same instance has it.
    fn dismiss(&self, instance: &str, lease_id: &str) -> bool {
        let mut leases = self.leases();
        let is_ours = leases.get(instance).is_some_and(|held| held.lease_id == lease_id);
        if is_ours {
            leases.remove(instance);
        }
        is_ours
    }

    async fn hello(
        &self,
        inbound: &mut Streaming<pb::Registration>,
        admitted: &Admitted,
    ) -> Result<Arc<Replica>, Status> {
        let first = tokio::time::timeout(self.lease_time(), inbound.message()).await;
        let hello = match first {
            Ok(Ok(Some(pb::Registration { kind: Some(Kind::Hello(hello)) }))) => hello,
            Ok(Ok(_)) => return Err(Status::invalid_argument("the first message must be a hello")),
            Ok(Err(status)) => return Err(status),
            Err(_) => return Err(Status::deadline_exceeded("no hello came in time")),
        };
        let is_text = (1..=128).contains(&hello.instance.len()) && !hello.instance.contains(char::is_control);
        if !is_text || hello.instance.starts_with(CONFIGURED) {
            return Err(Status::invalid_argument(
                "hello.instance must be 1 to 128 bytes without control characters, unique to the process, and must not \
                 begin with configured:",
            ));
        }
        let _place = self.pending.try_acquire().map_err(|_| {
            let most = self.settings.max_pending;
            Status::resource_exhausted(format!("{most} backends register now, which is registry.max_pending"))
        })?;
        let peer = admitted.peer().map(|peer| peer.address().ip());
        let address = router::normalise(&reachable(&hello.address, peer))
            .map_err(|error| Status::invalid_argument(format!("hello.address: {error}")))?;
        let description = router::describe(&address, &self.dialer, self.patience)
            .await
            .map_err(|error| Status::failed_precondition(format!("asked to describe itself: {error}")))?;
        let replica = Arc::new(Replica { instance: hello.instance, address, description });
        self.guard.check_replica(admitted, &replica)?;
        match self.backends.conflict(&replica) {
            Some(conflict) => Err(Status::already_exists(conflict)),
            None => Ok(replica),
        }
    }
}

/// A host that names no host stands for the address that the registration came from.
fn reachable(address: &str, peer: Option<IpAddr>) -> String {
    let (scheme, bare) = match address.split_once("://") {
        Some((scheme, bare)) => (Some(scheme), bare),
        None => (None, address),
    };
    match (bare.parse::<SocketAddr>(), peer) {
        (Ok(bound), Some(peer)) if bound.ip().is_unspecified() => {
            let reached = SocketAddr::new(peer.to_canonical(), bound.port());
            scheme.map_or_else(|| reached.to_string(), |scheme| format!("{scheme}://{reached}"))
        }
        _ => address.to_owned(),
    }
}

#[tonic::async_trait]
impl registry_server::Registry for Registry {
    type RegisterStream = Pin<Box<dyn Stream<Item = Result<pb::Lease, Status>> + Send>>;

    async fn register(
        &self,
        request: Request<Streaming<pb::Registration>>,
    ) -> Result<Response<Self::RegisterStream>, Status> {
        let admitted = Admitted::of(&request)?;
        let mut inbound = request.into_inner();
        let replica = self.hello(&mut inbound, &admitted).await.inspect_err(|status| {
            let address = admitted.peer().map(|peer| peer.address().ip().to_canonical());
            tracing::info!(?address, reason = status.message(), "a backend was not registered");
        })?;
        let lease_id = uuid::Uuid::now_v7().to_string();
        // First the way to whoever keeps it: a peer that goes meanwhile must not leave its place taken.
        let keeper = self.spawner.reserve().await.map_err(|_| Status::unavailable("the pod shuts down"))?;
        self.admit(&replica, &lease_id)?;
        let (leases, outbound) = mpsc::channel(4);
        let registered = Registered { registry: self.clone(), lease_id, admitted, replica, inbound, leases };
        keeper.send(registered);
        Ok(Response::new(Box::pin(ReceiverStream::new(outbound))))
    }
}

impl Registered {
    /// Keeps the registration until its stream ends, a heartbeat is missed, or the gateway goes.
    pub(crate) async fn keep(mut self) {
        let backend = self.replica.backend().to_owned();
        let instance = self.replica.instance.clone();
        tracing::info!(backend, instance, address = self.replica.address, "a backend registered");
        let reason = match self.serve().await {
            Ok(()) => "it closed its registration".to_owned(),
            Err(status) => {
                let _ = self.leases.try_send(Err(status.clone()));
                status.message().to_owned()
            }
        };
        if self.registry.dismiss(&instance, &self.lease_id) {
            self.registry.backends.remove(&self.replica).await;
        }
        tracing::info!(backend, instance, reason, "a backend is gone");
    }

    async fn serve(&mut self) -> Result<(), Status> {
        let registry = self.registry.clone();
        let refused = |error: session_store::Error| Status::resource_exhausted(error.to_string());
        registry.backends.put(Arc::clone(&self.replica)).await.map_err(refused)?;
        // A client that does not read its leases is not sent more: what counts is its heartbeat.
        let _ = self.leases.try_send(Ok(registry.lease(&self.lease_id)));
        let mut health = pin!(router::watch(self.replica.address.clone(), registry.dialer.clone()));
        let admitted = self.admitted.clone();
        let mut unproven = pin!(registry.guard.ended(&admitted));
        let mut expiry = tokio::time::Instant::now() + registry.lease_time();
        loop {
            tokio::select! {
                message = self.inbound.message() => match message? {
                    None => return Ok(()),
                    Some(pb::Registration { kind: Some(Kind::Heartbeat(_)) }) => {
                        expiry = tokio::time::Instant::now() + registry.lease_time();
                        let _ = self.leases.try_send(Ok(registry.lease(&self.lease_id)));
                    }
                    Some(_) => return Err(Status::invalid_argument("only heartbeats follow the hello")),
                },
                Some(health) = health.next() => self.follow(health).await?,
                status = &mut unproven => return Err(status),
                () = tokio::time::sleep_until(expiry) => {
                    return Err(Status::deadline_exceeded("no heartbeat came within the lease"));
                }
            }
        }
    }

    /// While it says that it does not serve, a backend keeps its lease but not its place in the directory.
    ///
    /// # Errors
    /// It offers now what it may not.
    async fn follow(&mut self, health: Health) -> Result<(), Status> {
        let backends = &self.registry.backends;
        match health {
            Health::Up(description) => {
                let replica = Replica { description, ..Replica::clone(&self.replica) };
                self.registry.guard.check_replica(&self.admitted, &replica)?;
                self.replica = Arc::new(replica);
                if let Err(error) = backends.put(Arc::clone(&self.replica)).await {
                    let (backend, instance) = (self.replica.backend(), &self.replica.instance);
                    tracing::error!(backend, instance, %error, "the replica was not taken");
                }
            }
            Health::Down(reason) => {
                let (backend, instance) = (self.replica.backend(), &self.replica.instance);
                tracing::warn!(backend, instance, reason, "a registered backend is down");
                backends.remove(&self.replica).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_host_becomes_the_peers() {
        let peer = Some(IpAddr::from([10, 1, 2, 3]));
        assert_eq!(reachable("0.0.0.0:50051", peer), "10.1.2.3:50051");
        assert_eq!(reachable("http://[::]:50051", peer), "http://10.1.2.3:50051");
        assert_eq!(reachable("https://0.0.0.0:50051", peer), "https://10.1.2.3:50051");
        assert_eq!(reachable("tools:50051", peer), "tools:50051");
        assert_eq!(reachable("127.0.0.1:1", peer), "127.0.0.1:1");
    }
}
