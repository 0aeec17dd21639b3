//! The gRPC port: who may connect, how much of it one connection may take, and which services there are.

use super::guard::{Guard, settle};
use super::{Publisher, Registry, Sessions, registry::Registered};
use crate::audit::{Entry, Event};
use crate::config::{self, ms};
use crate::pod::Pod;
use crate::tasks::Tasks;
use crate::tls::InForce;
use metrics::RegistryRefusal;
use protocol::pb::events_server::EventsServer;
use protocol::pb::registry_server::RegistryServer;
use protocol::pb::sessions_server::SessionsServer;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::{Request, Status};
use transport::{Bounds, Certificates};

/// After so much silence of a connection it is asked whether it lives, and has as long to answer.
const KEEPALIVE: Duration = Duration::from_secs(10);

/// What the port serves.
pub(crate) struct Services {
    pub(crate) registry: Registry,
    pub(crate) accepted: mpsc::Receiver<Registered>,
    pub(crate) events: Publisher,
    pub(crate) sessions: Sessions,
    pub(crate) guard: Guard,
}

/// Serves for as long as it is polled.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<InForce>,
    settings: config::Registry,
    services: Services,
    pod: Arc<Pod>,
) {
    let Services { registry, mut accepted, events, sessions, guard } = services;
    let bounds = Bounds {
        connections: settings.max_connections,
        patience: ms(settings.handshake_timeout_ms),
        failed: Arc::new(move |peer, error| {
            let address = peer.ip().to_canonical();
            tracing::info!(%address, %error, "no handshake of TLS at the gRPC port");
            pod.metrics.registry_refused(RegistryRefusal::Tls);
            let refused = || Entry::new(Event::RegistrationRefused).address(Some(address)).reason("tls");
            pod.audit.tell(refused);
        }),
    };
    let (_reporter, health) = tonic_health::server::health_reporter();
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(protocol::pb::DESCRIPTOR)
        .build_v1();
    let routes = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .http2_max_header_list_size(settings.max_header_bytes)
        .http2_max_pending_accept_reset_streams(Some(settings.max_resets))
        .max_concurrent_streams(settings.max_streams)
        .add_service(InterceptedService::new(health, anybody))
        .add_service(RegistryServer::with_interceptor(registry, guard.clone()))
        .add_service(EventsServer::with_interceptor(events, guard.clone()))
        .add_service(SessionsServer::with_interceptor(sessions, guard));
    let routes = match reflection {
        Ok(reflection) => routes.add_service(InterceptedService::new(reflection, anybody)),
        Err(error) => {
            tracing::error!(%error, "reflection is not served");
            routes
        }
    };
    let connections = transport::incoming(listener, tls.map(Certificates::Given), bounds, Default::default());
    let mut registered = Tasks::default();
    let serving = routes.serve_with_incoming(connections);
    tokio::pin!(serving);
    loop {
        tokio::select! {
            ended = &mut serving => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the gRPC port ended");
                }
                return;
            }
            Some(one) = accepted.recv() => registered.spawn(one.keep()),
        }
    }
}

/// Health and reflection are anybody's.
fn anybody(request: Request<()>) -> Result<Request<()>, Status> {
    settle(&request);
    Ok(request)
}
