//! The operators' port: metrics, health, and what operators ask and do. Each resource has a file, and all stand in one
//! table; who may ask is decided before any of them is.

mod answer;
mod asked;
mod drain;
mod health;
mod log_level;
mod prometheus;
mod revoke;
mod routes;
mod server;
mod settings;

use super::revocations::Revocations;
use crate::pod::Pod;
use crate::reload::Reload;
use metrics::Exposition;
use session_store::Availability;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What the port serves.
#[derive(Debug)]
pub(crate) struct Admin {
    pod: Arc<Pod>,
    exposition: Exposition,
    /// Without it the pod is not ready. None: it is ready all the same.
    store: Option<watch::Receiver<Availability>>,
    drain: mpsc::Sender<()>,
    revocations: Arc<Revocations>,
    /// How long a revocation stands.
    revocation_ttl: Duration,
    reload: Reload,
}

impl Admin {
    /// `drain` receives a message for each drain that is asked for.
    pub(crate) fn new(
        pod: Arc<Pod>,
        store: Option<watch::Receiver<Availability>>,
        drain: mpsc::Sender<()>,
        (revocations, revocation_ttl): (Arc<Revocations>, Duration),
        reload: Reload,
    ) -> Self {
        let exposition = Exposition::new(Arc::clone(&pod.metrics));
        Self { pod, exposition, store, drain, revocations, revocation_ttl, reload }
    }
}
