//! Standard gRPC health of this replica.
use protocol::pb;
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::service::Service;

type BackendServer = pb::backend_server::BackendServer<Service>;

/// The whole server, and the one service that matters.
const NAMES: [&str; 2] = ["", <BackendServer as NamedService>::NAME];

#[derive(Clone)]
pub(crate) struct Health(pub(crate) HealthReporter);

impl Health {
    pub(crate) async fn serving(&self) {
        for name in NAMES {
            self.0.set_service_status(name, ServingStatus::Serving).await;
        }
    }

    pub(crate) async fn not_serving(&self) {
        for name in NAMES {
            self.0.set_service_status(name, ServingStatus::NotServing).await;
        }
    }

    /// Ends the streams of those who watch, which would keep their connections open.
    pub(crate) async fn end_watches(&mut self) {
        for name in NAMES {
            self.0.clear_service_status(name).await;
        }
    }
}
