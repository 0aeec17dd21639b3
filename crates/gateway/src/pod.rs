//! What all shards of the pod share: how many connections are open, whether new ones are taken, and what is revoked.

use crate::audit::Audit;
use crate::revoked::Revoked;
use arc_swap::ArcSwap;
use session_store::PodId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The pod's counts and instruments.
#[derive(Debug)]
pub(crate) struct Pod {
    /// Its name among all pods, for as long as the process lives.
    pub(crate) id: PodId,
    pub(crate) metrics: Arc<metrics::Pod>,
    /// Where decisions are told.
    pub(crate) audit: Audit,
    connections: AtomicUsize,
    admitted: AtomicU64,
    draining: AtomicBool,
    /// What nobody may hold any more.
    pub(crate) revoked: ArcSwap<Revoked>,
    /// Over how long the clients of a drain spread their return, in milliseconds.
    spread_ms: AtomicU64,
    told: AtomicU64,
}

impl Pod {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            id: PodId::fresh(),
            metrics: Arc::new(metrics::Pod::new(shards)),
            audit: Audit::default(),
            connections: AtomicUsize::new(0),
            admitted: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            revoked: ArcSwap::default(),
            spread_ms: AtomicU64::new(0),
            told: AtomicU64::new(0),
        }
    }

    /// Takes a place for one more connection, if there are fewer than `most`.
    pub(crate) fn admit(self: &Arc<Self>, most: usize) -> Option<Place> {
        self.connections
            .fetch_update(Relaxed, Relaxed, |open| (open < most).then_some(open + 1))
            .ok()
            .map(|_| Place { id: self.admitted.fetch_add(1, Relaxed) + 1, pod: Arc::clone(self) })
    }

    /// Open connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// From now on the pod takes no new connections, and tells `rate` of them a second to go.
    pub(crate) fn begin_drain(&self, rate: u32) {
        let spread = self.connections() as u64 * 1_000 / u64::from(rate.max(1));
        self.spread_ms.store(spread.min(30_000), Relaxed);
        self.draining.store(true, Relaxed);
        self.metrics.ready(false);
    }
}

impl Pod {
    /// After how many milliseconds the next client that is told to go should come back: they are spread
    /// evenly, so that other pods do not meet them all at once.
    pub(crate) fn reconnect_delay_ms(&self) -> u64 {
        // Steps of the golden ratio spread any number of clients evenly.
        let turn = self.told.fetch_add(1, Relaxed).wrapping_mul(618_033_989) % 1_000_000_000;
        self.spread_ms.load(Relaxed) * turn / 1_000_000_000
    }
}

/// The right to one open connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// Tells the connection from every other one of the process.
    pub(crate) id: u64,
    pod: Arc<Pod>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pod.connections.fetch_sub(1, Relaxed);
    }
}
