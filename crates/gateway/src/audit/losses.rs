//! Lines of the audit log that could not be written: counted, logged once, and told in the log when it can be again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug)]
pub(super) struct Losses {
    metrics: Arc<metrics::Pod>,
    /// Those that the log does not tell of yet.
    untold: AtomicU64,
}

impl Losses {
    pub(super) const fn new(metrics: Arc<metrics::Pod>) -> Self {
        Self { metrics, untold: AtomicU64::new(0) }
    }

    pub(super) fn add(&self, count: u64) {
        self.metrics.audit_lines_lost(count);
        if self.untold.fetch_add(count, Relaxed) == 0 {
            tracing::error!("lines of the audit log are lost, until it can be written again");
        }
    }

    pub(super) fn untold(&self) -> u64 {
        self.untold.load(Relaxed)
    }

    /// The log tells of so many now.
    pub(super) fn told(&self, count: u64) {
        self.untold.fetch_sub(count, Relaxed);
    }
}
