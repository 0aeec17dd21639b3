//! How long to wait before the next attempt: exponential, with full jitter.
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// Attempts since the last success.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The wait before the next attempt after one that could not know better.
    pub(crate) fn next(&mut self) -> Duration {
        let longest = LONGEST.min(FIRST * 2_u32.pow(self.attempts.min(16)));
        self.attempts += 1;
        longest.mul_f64(random())
    }

    /// The wait after a refusal, which another attempt will most likely meet again.
    pub(crate) fn after_refusal(&mut self) -> Duration {
        self.attempts += 1;
        LONGEST + LONGEST.mul_f64(random())
    }
}

/// From 0 to 1. Spreads replicas in time, nothing more: the standard library's hash keys are random enough.
fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_seconds_and_never_over() {
        let mut backoff = Backoff::default();
        for attempt in 0..100 {
            let wait = backoff.next();
            assert!(
                wait <= LONGEST.min(FIRST * 2_u32.pow(attempt.min(16))),
                "{wait:?} before attempt {attempt}"
            );
        }
        let longest = (0..100).map(|_| backoff.next()).max().expect("there are waits");
        assert!(longest > LONGEST / 2, "jitter spans the whole wait, but the longest was {longest:?}");
    }

    #[test]
    fn success_makes_waits_short_again() {
        let mut backoff = Backoff::default();
        (0..10).for_each(|_| _ = backoff.next());
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }

    #[test]
    fn a_refusal_waits_at_least_five_seconds() {
        assert!(Backoff::default().after_refusal() >= LONGEST);
    }
}
