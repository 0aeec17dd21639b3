//! A rate of a user or a tenant that holds over all pods. A pod lets through by what it knows, and settles afterwards with
//! the store, whose answer says what the others have let through. Pods that knew too little have let too much through,
//! and let nothing through until that has come; while much is unsettled, by what is left, messages wait for the answer.
//!
//! Permits that are fetched before they are used would never be too many. But a pod would sit on those that it does not
//! need, so that others refuse what is within the rate, and what comes after a pause would always wait.

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
    /// Until then the last answer counts.
    fresh_until: AtomicU64,
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
            fresh_until: AtomicU64::new(0),
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
        } else if now >= self.fresh_until.load(SeqCst) {
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
        let [cost, age, most] = [cost, now.saturating_sub(begun), self.rate.most()].map(Duration::from_nanos);
        Bill { spent: Spent { cost, age, most }, at: now }
    }

    /// So far ahead the rate is over all pods.
    pub(crate) fn learn(&self, bill: &Bill, ahead: Duration) {
        let ahead = u64::try_from(ahead.as_nanos()).unwrap_or(u64::MAX);
        let unsettled = self.unsettled.load(SeqCst);
        self.bucket.raise(bill.at.saturating_add(ahead).saturating_add(unsettled));
        self.fresh_until.store(bill.at.saturating_add(FRESH), SeqCst);
    }

    /// Whether everything is settled, and the next that is let through enters it anew.
    pub(crate) fn rest(&self) -> bool {
        self.queued.store(false, SeqCst);
        let is_open = self.unsettled.load(SeqCst) > 0 || self.is_held();
        !is_open || self.queued.swap(true, SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// An account of 10 in a second and 80 at once, and a store that has answered at this moment.
    fn account(now: u64) -> (Arc<Account>, super::super::ledger::Due) {
        let (ledger, due) = Ledger::new(Arc::new(metrics::Pod::new(metrics::catalogue::Bounds::of(1))));
        let account = Account::new("name".to_owned(), Rate::new(10, Duration::from_secs(1), 80), &ledger);
        account.learn(&account.bill(now), Duration::ZERO);
        (Arc::new(account), due)
    }

    fn take(account: &Arc<Account>, now: u64) -> bool {
        let taken = account.bucket.take(account.rate, now).is_ok();
        if taken {
            account.spend(now);
        }
        taken
    }

    #[test]
    fn what_is_billed_is_what_was_let_through_and_when_it_began() {
        let (account, mut due) = account(5_500 * MS);
        for now in [6_000, 6_010, 6_020] {
            assert!(take(&account, now * MS));
        }
        assert!(due.try_recv().is_ok() && due.try_recv().is_err(), "it is entered once");
        let spent = account.bill(6_050 * MS).spent;
        assert_eq!((spent.cost, spent.age), (Duration::from_millis(300), Duration::from_millis(50)));
        assert_eq!(account.bill(6_060 * MS).spent.cost, Duration::ZERO, "it is billed once");
        assert!(take(&account, 6_060 * MS));
        // The rate is ahead already, so that nothing of it has come meanwhile.
        let spent = account.bill(6_070 * MS).spent;
        assert_eq!((spent.cost, spent.age), (Duration::from_millis(100), Duration::ZERO));
        assert!(account.rest() && take(&account, 6_080 * MS) && due.try_recv().is_ok(), "and entered anew");
    }

    #[test]
    fn what_other_pods_have_let_through_is_gone_here_too() {
        let (account, _due) = account(0);
        assert!(take(&account, 0));
        let bill = account.bill(0);
        assert!(take(&account, MS), "while the answer is awaited");
        // The others have let 77 through, and 79 with the first one here is all but one.
        account.learn(&bill, Duration::from_millis(7_800));
        assert!(take(&account, MS));
        assert!(!take(&account, MS));
        // An answer that comes late forgives nothing.
        account.learn(&bill, Duration::ZERO);
        assert!(!take(&account, MS));
        assert!(take(&account, 100 * MS));
    }

    #[test]
    fn what_comes_waits_while_much_is_unsettled_by_what_is_left() {
        let (account, _due) = account(0);
        let holds_after = |now: u64| {
            let taken = (1..).find(|_| !take(&account, now) || account.is_held());
            account.release();
            account.learn(&account.bill(now), Duration::ZERO);
            taken
        };
        assert_eq!(holds_after(500 * MS), Some(9), "an eighth of what is left then");
        assert_eq!(holds_after(500 * MS), Some(8));
        // Nothing was heard for longer than an answer counts.
        assert_eq!(holds_after(10_000 * MS), Some(1));
        account.ledger.lose(10_000 * MS, "a test");
        assert_eq!(holds_after(10_000 * MS), Some(80), "it is refused, and nobody waits");
    }
}
