//! The operators' port: metrics, health, and what operators ask and do. Each resource has a file, and all stand in one
//! table; who may ask is decided before any of them is.

mod access;
mod answer;
mod asked;
mod backends;
mod connections;
mod drain;
mod health;
mod log_level;
mod pages;
mod pod;
mod prometheus;
mod revoke;
mod routes;
mod server;
mod sessions;
mod settings;
mod shards;
mod tail;

pub(crate) use access::Access;

use super::Backends;
use super::revocations::Revocations;
use crate::config::{Config, ms};
use crate::mail::Memo;
use crate::pod::Pod;
use crate::reload::Reload;
use jiff::Timestamp;
use metrics::Exposition;
use session_store::{Availability, Store};
use shards::Shards;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, watch};

/// What the port is made of.
pub(crate) struct Served {
    pub(crate) access: Access,
    pub(crate) config: Arc<Config>,
    pub(crate) pod: Arc<Pod>,
    pub(crate) store: Store,
    pub(crate) backends: Arc<Backends>,
    /// The way to each shard.
    pub(crate) shards: Vec<mpsc::Sender<Memo>>,
    pub(crate) revocations: Arc<Revocations>,
    /// Receives a message for each drain that is asked for.
    pub(crate) drain: mpsc::Sender<()>,
    pub(crate) reload: Reload,
}

/// What the port serves.
#[derive(Debug)]
pub(crate) struct Admin {
    access: Access,
    config: Arc<Config>,
    pod: Arc<Pod>,
    exposition: Exposition,
    store: Store,
    /// Without it the pod is not ready. None: it is ready all the same.
    needed: Option<watch::Receiver<Availability>>,
    backends: Arc<Backends>,
    shards: Shards,
    revocations: Arc<Revocations>,
    /// How long a revocation stands.
    revocation_ttl: Duration,
    drain: mpsc::Sender<()>,
    reload: Reload,
    /// Places for those who watch a session.
    tails: Arc<Semaphore>,
    started: Timestamp,
}

impl Admin {
    pub(crate) fn new(served: Served) -> Self {
        let Served { access, config, pod, store, backends, shards, revocations, drain, reload } = served;
        Self {
            access,
            exposition: Exposition::new(Arc::clone(&pod.metrics)),
            needed: Some(store.availability()).filter(|_| !config.admin.ready_without_store),
            shards: Shards::new(shards),
            revocation_ttl: ms(config.auth.revocation_ttl_ms),
            tails: Arc::new(Semaphore::new(config.admin.max_tails)),
            started: Timestamp::now(),
            config,
            pod,
            store,
            backends,
            revocations,
            drain,
            reload,
        }
    }
}
