//! The accounts of this pod that are to be settled with the store, and whether the store answers in time. While it does
//! not, this pod counts alone.

use super::account::Account;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::mpsc;

/// For so long after a sign that the store is away no answer counts as one that it is back, in nanoseconds.
const DOUBT: u64 = 1_000_000_000;

/// The accounts that wait; none is in it twice.
pub(crate) type Due = mpsc::UnboundedReceiver<Arc<Account>>;

/// Where accounts are entered.
#[derive(Debug)]
pub(crate) struct Ledger {
    due: mpsc::UnboundedSender<Arc<Account>>,
    /// Whether any rate holds over all pods.
    used: AtomicBool,
    alone: AtomicBool,
    doubted_until: AtomicU64,
    metrics: Arc<metrics::Pod>,
}

impl Ledger {
    pub(crate) fn new(metrics: Arc<metrics::Pod>) -> (Arc<Self>, Due) {
        let (due, accounts) = mpsc::unbounded_channel();
        let (used, alone) = (AtomicBool::new(false), AtomicBool::new(false));
        let doubted_until = AtomicU64::new(0);
        (Arc::new(Self { due, used, alone, doubted_until, metrics }), accounts)
    }

    /// From now on there are rates that hold over all pods, or none.
    pub(super) fn use_it(&self, used: bool) {
        self.used.store(used, Relaxed);
        self.metrics.limits_shared(used && !self.is_alone());
    }

    pub(super) fn enter(&self, account: Arc<Account>) {
        // Without a receiver the pod has ended.
        let _ = self.due.send(account);
    }

    /// Whether nobody waits for the store.
    pub(super) fn is_alone(&self) -> bool {
        self.alone.load(Relaxed)
    }

    /// The store is away, or late.
    pub(crate) fn lose(&self, now: u64, reason: &str) {
        self.doubted_until.store(now.saturating_add(DOUBT), Relaxed);
        if !self.alone.swap(true, Relaxed) && self.used.load(Relaxed) {
            self.metrics.limits_shared(false);
            tracing::warn!(reason, "rates of users and tenants hold for each pod alone");
        }
    }

    /// The store answers in time.
    pub(crate) fn regain(&self, now: u64) {
        let is_back = self.is_alone() && now >= self.doubted_until.load(Relaxed);
        if is_back && self.alone.swap(false, Relaxed) && self.used.load(Relaxed) {
            self.metrics.limits_shared(true);
            tracing::info!("rates of users and tenants hold over all pods");
        }
    }
}
