//! A rate of a user or a tenant that holds over all pods. It lets through by what this pod knows of it, and nobody waits
//! for the store: what was let through is settled there afterwards, up to twenty times a second, and the answer says
//! what the other pods have let through. Pods that knew too little of each other have let too much through, and let
//! nothing through until it has come, so that over any longer time the rate is kept; and whoever is within it is never
//! refused. Only when much is unsettled, measured by what is left, further messages wait for the answer.

use super::bucket::{Bucket, Rate};
use super::ledger::Ledger;
use session_store::Spent;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Notify;

/// As much as comes in so long may be unsettled, in nanoseconds.
const TRUST: u64 = 100_000_000;
/// So much of what is left may be unsettled.
const PART: u64 = 8;
/// An answer is as good as none after so long, in nanoseconds.
const FRESH: u64 = 1_000_000_000;
/// How often it is settled: in a second, and at once.
const PACE: (u32, u32) = (20, 40);

/// What this pod knows of the rate.
#[derive(Debug)]
pub(crate) struct Account {
    name: Box<str>,
    rate: Rate,
    bucket: Bucket,
    ledger: Arc<Ledger>,
    /// In how many nanoseconds as much comes as was let through and is not settled.
    unsettled: AtomicU64,
    /// Whether it is on its way to be settled.
    queued: AtomicBool,
    /// Whether what comes next has to wait until it is settled.
    held: AtomicBool,
    settled: Notify,
    /// When the store was asked for the last answer.
    heard: AtomicU64,
    pace: Bucket,
}

impl AsRef<Bucket> for Account {
    fn as_ref(&self) -> &Bucket {
        &self.bucket
    }
}

/// What is to be settled, and when that was found out.
#[derive(Debug)]
pub(crate) struct Bill {
    pub(crate) spent: Spent,
    at: u64,
}

impl Account {
    pub(super) fn new(name: String, rate: Rate, ledger: &Arc<Ledger>) -> Self {
        Self {
            name: name.into(),
            rate,
            bucket: Bucket::default(),
            ledger: Arc::clone(ledger),
            unsettled: AtomicU64::new(0),
            queued: AtomicBool::new(false),
            held: AtomicBool::new(false),
            settled: Notify::new(),
            heard: AtomicU64::new(0),
            pace: Bucket::default(),
        }
    }

    /// The same at every pod.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// One that was taken from the bucket was let through.
    pub(super) fn spend(self: &Arc<Self>, now: u64) {
        let unsettled = self.unsettled.fetch_add(self.rate.step(), SeqCst) + self.rate.step();
        if unsettled >= self.trust(now) && !self.ledger.is_alone() {
            self.held.store(true, SeqCst);
        }
        if !self.queued.load(SeqCst) && !self.queued.swap(true, SeqCst) {
            self.ledger.enter(Arc::clone(self));
        }
    }

    /// How much may be unsettled.
    fn trust(&self, now: u64) -> u64 {
        let left = self.bucket.left(self.rate, now);
        if left < self.rate.step() {
            // What comes next is refused.
            u64::MAX
        } else if now.saturating_sub(self.heard.load(SeqCst)) > FRESH {
            0
        } else {
            TRUST.max(left / PART)
        }
    }

    /// Whether a message has to wait.
    pub(super) fn is_held(&self) -> bool {
        self.held.load(SeqCst)
    }

    /// Waits for as long as messages have to. Cancel safe.
    pub(crate) async fn released(&self) {
        let mut settled = pin!(self.settled.notified());
        settled.as_mut().enable();
        if self.is_held() {
            settled.await;
        }
    }

    /// Nobody has to wait any longer.
    pub(crate) fn release(&self) {
        self.held.store(false, SeqCst);
        self.settled.notify_waiters();
    }

    /// Whether there is something to be settled, and that may be done at this moment.
    ///
    /// # Errors
    /// Only after so long.
    pub(crate) fn is_due(&self, now: u64) -> Result<bool, Duration> {
        if self.unsettled.load(SeqCst) == 0 {
            return Ok(false);
        }
        let pace = Rate::new(PACE.0, Duration::from_secs(1), PACE.1);
        self.pace.take(pace, now).map(|()| true).map_err(Duration::from_nanos)
    }

    /// What is to be settled; it counts as settled from now on.
    pub(crate) fn bill(&self, now: u64) -> Bill {
        // In this order what is let through meanwhile is rather taken for older than for younger.
        let due = self.bucket.due();
        let cost = self.unsettled.swap(0, SeqCst);
        let begun = due.saturating_sub(cost);
        let [cost, age, most] =
            [cost, now.saturating_sub(begun), self.rate.most()].map(Duration::from_nanos);
        Bill { spent: Spent { cost, age, most }, at: now }
    }

    /// So far ahead the rate is over all pods.
    pub(crate) fn learn(&self, bill: &Bill, ahead: Duration) {
        let ahead = u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX);
        let unsettled = self.unsettled.load(SeqCst);
        self.bucket.raise(bill.at.saturating_add(ahead).saturating_add(unsettled));
        self.heard.store(bill.at, SeqCst);
    }

    /// Whether everything is settled, and the next that is let through enters it anew.
    pub(crate) fn rest(&self) -> bool {
        self.queued.store(false, SeqCst);
        let is_open = self.unsettled.load(SeqCst) > 0 || self.is_held();
        !is_open || self.queued.swap(true, SeqCst)
    }
}
