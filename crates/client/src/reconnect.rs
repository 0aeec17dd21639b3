//! How long to wait before the next attempt to connect. Plain data; keeps no time itself.

use std::time::Duration;

/// How a client comes back after it has lost its connection.
///
/// The wait before attempt n is a random time between nothing and `first` · 2ⁿ⁻¹, at most `most`: all of it is
/// chance, so that clients that were lost together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The longest wait before the first attempt; 100 ms by default.
    pub first: Duration,
    /// The longest wait before any attempt; 10 s by default.
    pub most: Duration,
    /// How long after the loss the client gives up; never by default. Zero is at once.
    pub give_up_after: Option<Duration>,
}

impl Reconnect {
    /// The client ends with its first connection.
    pub const fn never() -> Self {
        Self { first: Duration::ZERO, most: Duration::ZERO, give_up_after: Some(Duration::ZERO) }
    }

    pub(crate) fn is_never(&self) -> bool {
        self.give_up_after == Some(Duration::ZERO)
    }

    /// The longest wait after this many failures.
    pub(crate) fn cap(&self, failures: u32) -> Duration {
        self.first.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX)).min(self.most)
    }

    /// The wait after this many failures.
    pub(crate) fn delay(&self, failures: u32) -> Duration {
        // Without a source of chance all the cap is waited: late, but not in a hurry.
        getrandom::u32().map_or(self.cap(failures), |chance| part(self.cap(failures), chance))
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), most: Duration::from_secs(10), give_up_after: None }
    }
}

/// As much of the cap as the chance is of the largest one.
fn part(cap: Duration, chance: u32) -> Duration {
    cap.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_doubles_up_to_the_most() {
        let reconnect = Reconnect::default();
        let caps: Vec<_> = (0..9).map(|failures| reconnect.cap(failures).as_millis()).collect();
        assert_eq!(caps, [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(reconnect.cap(u32::MAX), Duration::from_secs(10));
        assert_eq!(Reconnect::never().cap(3), Duration::ZERO);
    }

    #[test]
    fn all_of_the_wait_is_chance() {
        let cap = Duration::from_secs(8);
        assert_eq!(part(cap, 0), Duration::ZERO);
        assert_eq!(part(cap, u32::MAX), cap);
        assert_eq!(part(cap, u32::MAX / 4).as_secs_f64().round(), 2.0);
        let mut waits: Vec<_> = (0..100).map(|_| Reconnect::default().delay(5)).collect();
        assert!(waits.iter().all(|wait| *wait <= Reconnect::default().cap(5)));
        waits.dedup();
        assert!(waits.len() > 50, "waits differ");
    }
}
