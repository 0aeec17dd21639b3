//! Pauses between attempts: each twice as long as the one before, and up to a half longer by chance.
use std::time::Duration;

pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first_ms: u64, longest_ms: u64) -> Self {
        let first = Duration::from_millis(first_ms);
        Self { first, longest: Duration::from_millis(longest_ms), next: first }
    }

    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// The pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        let mut chance = [0; 1];
        // Without randomness all wait alike, which does no harm.
        let _ = getrandom::fill(&mut chance);
        pause.mul_f64(1.0 + f64::from(chance[0]) / 512.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_begin_anew() {
        let mut backoff = Backoff::new(100, 300);
        for expected in [100, 200, 300, 300] {
            let pause = backoff.pause().as_millis();
            assert!((expected..=expected * 3 / 2).contains(&pause), "{pause} for {expected}");
        }
        backoff.reset();
        assert!(backoff.pause().as_millis() <= 150);
    }
}
