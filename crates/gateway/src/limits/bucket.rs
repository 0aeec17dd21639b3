//! One limit by the generic cell rate algorithm. All that is kept is a moment: when everything that was taken would have
//! come, had it come evenly. Moments are nanoseconds since the pod began.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How much may come, evenly, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// From one to the next.
    step: u64,
    /// How far ahead of an even pace one may be.
    slack: u64,
}

impl Rate {
    /// So many in a period, and so many at once; 0 counts as 1.
    pub(crate) fn new(count: u32, period: Duration, burst: u32) -> Self {
        let period = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
        let step = (period / u64::from(count.max(1))).max(1);
        Self { step, slack: step.saturating_mul(u64::from(burst.max(1) - 1)) }
    }

    /// In how many nanoseconds one comes.
    pub(super) const fn step(self) -> u64 {
        self.step
    }

    /// How far ahead all pods together may have come, in nanoseconds, each of them having let through what is left for
    /// all.
    pub(super) const fn most(self) -> u64 {
        self.slack.saturating_add(self.step).saturating_mul(8).saturating_add(10_000_000_000)
    }
}

/// What was taken.
#[derive(Debug, Default)]
pub(crate) struct Bucket(AtomicU64);

impl Bucket {
    /// Takes one.
    ///
    /// # Errors
    /// Too many were taken; in so many nanoseconds there is one again.
    pub(crate) fn take(&self, rate: Rate, now: u64) -> Result<(), u64> {
        let mut wait = 0;
        let taken = self.0.fetch_update(Relaxed, Relaxed, |due| {
            let due = due.max(now);
            wait = (due - now).saturating_sub(rate.slack);
            (wait == 0).then(|| due.saturating_add(rate.step))
        });
        taken.map(drop).map_err(|_| wait)
    }

    /// Gives one back that was taken and not used.
    pub(crate) fn give_back(&self, rate: Rate) {
        self.0.fetch_sub(rate.step, Relaxed);
    }

    /// When everything that was taken will have come.
    pub(super) fn due(&self) -> u64 {
        self.0.load(Relaxed)
    }

    /// In how many nanoseconds as much comes as may be taken at this moment.
    pub(super) fn left(&self, rate: Rate, now: u64) -> u64 {
        let full = now.saturating_add(rate.slack).saturating_add(rate.step);
        full.saturating_sub(self.due().max(now))
    }

    /// At least so much was taken.
    pub(super) fn raise(&self, due: u64) {
        self.0.fetch_max(due, Relaxed);
    }

    /// Whether it is as if nothing was ever taken.
    pub(crate) fn is_full(&self, now: u64) -> bool {
        self.0.load(Relaxed) <= now
    }
}

impl AsRef<Self> for Bucket {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_burst_is_taken_at_once_and_one_more_waits() {
        let rate = Rate::new(600, Duration::from_secs(60), 3);
        let (bucket, start) = (Bucket::default(), 5_000 * MS);
        for _ in 0..3 {
            assert_eq!(bucket.take(rate, start), Ok(()));
        }
        assert_eq!(bucket.take(rate, start), Err(100 * MS));
        assert_eq!(bucket.take(rate, start + 40 * MS), Err(60 * MS), "a refusal takes nothing");
        assert_eq!(bucket.take(rate, start + 100 * MS - 1), Err(1));
        assert_eq!(bucket.take(rate, start + 100 * MS), Ok(()));
        assert_eq!(bucket.take(rate, start + 100 * MS), Err(100 * MS));
    }

    #[test]
    fn a_pause_saves_up_no_more_than_the_burst() {
        let rate = Rate::new(10, Duration::from_secs(1), 2);
        let bucket = Bucket::default();
        for now in [0, 3_600_000 * MS] {
            assert!(bucket.is_full(now));
            assert_eq!(bucket.take(rate, now), Ok(()));
            assert_eq!(bucket.take(rate, now), Ok(()));
            assert_eq!(bucket.take(rate, now), Err(100 * MS));
            assert!(!bucket.is_full(now + 200 * MS - 1));
            assert!(bucket.is_full(now + 200 * MS));
        }
    }

    #[test]
    fn over_a_long_time_the_rate_is_kept() {
        let rate = Rate::new(60_000, Duration::from_secs(60), 10);
        let bucket = Bucket::default();
        let asked = (0..10_000 * MS).step_by(100_000);
        let taken = asked.filter(|now| bucket.take(rate, *now).is_ok()).count();
        assert_eq!(taken, 10_000 + 9);
    }

    #[test]
    fn what_was_given_back_may_be_taken_again() {
        let rate = Rate::new(1, Duration::from_secs(1), 1);
        let bucket = Bucket::default();
        assert_eq!(bucket.take(rate, 7), Ok(()));
        bucket.give_back(rate);
        assert_eq!(bucket.take(rate, 7), Ok(()));
        assert!(bucket.take(rate, 7).is_err());
    }

    #[test]
    fn the_largest_settings_do_not_overflow() {
        let rate = Rate::new(1, Duration::MAX, u32::MAX);
        let bucket = Bucket::default();
        assert_eq!(bucket.take(rate, u64::MAX / 2), Ok(()));
        let _ = bucket.take(rate, u64::MAX);
        assert_eq!(Bucket::default().take(Rate::new(u32::MAX, Duration::ZERO, 0), 0), Ok(()));
    }
}
