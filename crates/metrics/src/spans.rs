//! What became of spans. Several threads count, but only spans that were made.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Spans that the collector has, and those that it will never have.
#[derive(Debug, Default)]
pub struct Spans {
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl Spans {
    pub(crate) fn exported(&self, count: usize) {
        self.exported.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn dropped(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.exported.load(Relaxed), self.dropped.load(Relaxed))
    }
}
