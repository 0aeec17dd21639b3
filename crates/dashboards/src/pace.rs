//! How fast time goes by for rules. Knows nothing of what they say.

use std::time::Duration;

/// By how much the windows and patience of rules are shortened, so that a test need not wait for hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(u32);

impl Pace {
    /// As shipped.
    pub const SHIPPED: Self = Self(1);

    /// So many times as fast.
    pub const fn times(factor: u32) -> Self {
        assert!(factor > 0, "time goes on");
        Self(factor)
    }

    /// So many minutes, as Prometheus writes durations.
    pub(crate) fn minutes(self, minutes: u64) -> String {
        self.duration(Duration::from_secs(minutes * 60))
    }

    /// So long, as Prometheus writes durations.
    pub(crate) fn duration(self, duration: Duration) -> String {
        let milliseconds = duration.as_millis() / u128::from(self.0);
        for (unit, length) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)] {
            if milliseconds > 0 && milliseconds.is_multiple_of(length) {
                return format!("{}{unit}", milliseconds / length);
            }
        }
        format!("{milliseconds}ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_the_largest_unit_that_fits() {
        for (pace, minutes, written) in [
            (Pace::SHIPPED, 0, "0ms"),
            (Pace::SHIPPED, 5, "5m"),
            (Pace::SHIPPED, 90, "90m"),
            (Pace::SHIPPED, 360, "6h"),
            (Pace::SHIPPED, 3 * 1_440, "3d"),
            (Pace::times(60), 5, "5s"),
            (Pace::times(120), 1, "500ms"),
        ] {
            assert_eq!(pace.minutes(minutes), written);
        }
    }
}
