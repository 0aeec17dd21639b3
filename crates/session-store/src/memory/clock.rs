//! Moments as the store keeps them: numbers, which take half of what an instant takes and are compared at once.
use std::time::Duration;

use tokio::time::Instant;

/// Nanoseconds since the store was made.
pub(super) type Nanos = u64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(super) fn now(&self) -> Nanos {
        self.at(Instant::now())
    }

    /// A moment by a clock that was read already.
    pub(super) fn at(&self, moment: Instant) -> Nanos {
        nanos(moment.saturating_duration_since(self.start))
    }
}

pub(super) fn nanos(time: Duration) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
}

/// So many milliseconds of the bounds.
pub(super) const fn millis(bound: u64) -> Nanos {
    bound.saturating_mul(1_000_000)
}
