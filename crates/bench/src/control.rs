//! What the threads of a run tell each other: when it begins, when it is to stop, and how many events are to come.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Ends a run early; what was measured until then is told.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends the run.
    pub fn now(&self) {
        self.0.store(true, Relaxed);
    }

    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// What all threads see.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) stop: Stop,
    /// Set once all connections were dialled, before `begin`: how many listen to events, by tenant.
    pub(crate) listeners: OnceLock<BTreeMap<String, u64>>,
    /// When the load begins; 0 while that is not known.
    begin: AtomicU64,
    delivered: AtomicU64,
    expected: AtomicU64,
    /// Threads that still publish.
    publishing: AtomicU64,
}

impl Control {
    pub(crate) fn new(stop: Stop, threads: usize) -> Self {
        Self {
            stop,
            listeners: OnceLock::new(),
            begin: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            expected: AtomicU64::new(0),
            publishing: AtomicU64::new(threads as u64),
        }
    }

    /// When the load begins, if that is known.
    pub(crate) fn begin(&self) -> Option<u64> {
        Some(self.begin.load(Relaxed)).filter(|begin| *begin > 0)
    }

    /// Has it begin at this time.
    pub(crate) fn begin_at(&self, time: u64) {
        self.begin.store(time, Relaxed);
    }

    pub(crate) fn delivered(&self, count: u64) {
        self.delivered.fetch_add(count, Relaxed);
    }

    pub(crate) fn expect(&self, count: u64) {
        self.expected.fetch_add(count, Relaxed);
    }

    /// A thread publishes nothing more.
    pub(crate) fn published(&self) {
        self.publishing.fetch_sub(1, Relaxed);
    }

    /// Whether all events that were published have come.
    pub(crate) fn all_delivered(&self) -> bool {
        self.publishing.load(Relaxed) == 0 && self.delivered.load(Relaxed) >= self.expected.load(Relaxed)
    }
}
