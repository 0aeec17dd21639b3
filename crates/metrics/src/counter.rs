//! Numbers that are read at any time: counters and gauges of one writer, and such as many may change.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts up. Only one thread may add; adding is a load and a store, not a locked instruction.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// What was counted so far.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Goes up and down. Only one thread may change it by steps; any may set it.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// So many more.
    pub fn raise(&self, n: usize) {
        self.set(self.value().saturating_add(n as u64));
    }

    /// So many less.
    pub fn lower(&self, n: usize) {
        self.set(self.value().saturating_sub(n as u64));
    }

    /// It is this now.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// It is at least this from now on, whichever thread says so.
    pub fn reach(&self, value: u64) {
        self.0.fetch_max(value, Relaxed);
    }

    /// What it is now.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// Counts up, whichever thread adds: for what is rare.
#[derive(Debug, Default)]
pub struct Tally(AtomicU64);

impl Tally {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    /// What was counted so far.
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
