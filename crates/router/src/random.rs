//! Numbers for jitter and for the two choices. Not for secrets.
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A small generator (xorshift64*).
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// Seeded differently in each process and at each call.
    pub(crate) fn new() -> Self {
        Self(RandomState::new().build_hasher().finish() | 1)
    }

    /// A number below `bound`, which must not be 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d);
        ((u128::from(number) * u128::from(bound)) >> 64) as u64
    }
}

/// Growing pauses between attempts, with jitter so that many who wait do not come at once.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: u64,
    longest: u64,
    next: u64,
}

impl Backoff {
    pub(crate) fn new(first_ms: u64, longest_ms: u64) -> Self {
        Self { first: first_ms, longest: longest_ms, next: first_ms }
    }

    /// The next pause: between half and all of a time that doubles up to the longest.
    pub(crate) fn pause(&mut self, random: &mut Random) -> Duration {
        let full = self.next.min(self.longest).max(1);
        self.next = full.saturating_mul(2);
        Duration::from_millis(full - random.below(full / 2 + 1))
    }

    /// Starts over.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut random = Random::new();
        let mut seen = [false; 7];
        for _ in 0..1_000 {
            seen[random.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over() {
        let mut random = Random::new();
        let mut backoff = Backoff::new(100, 350);
        for full in [100, 200, 350, 350] {
            let pause = backoff.pause(&mut random).as_millis();
            assert!((full / 2..=full).contains(&pause), "{pause} of {full}");
        }
        backoff.reset();
        assert!(backoff.pause(&mut random).as_millis() <= 100);
    }
}
