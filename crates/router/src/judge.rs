//! Whether a connected replica deserves calls: ejection after failures in a row, and the probe that
//! ends it. It knows no connection.
use std::time::Duration;

use tokio::time::Instant;

use crate::Options;

/// What one shard thinks of one replica.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    failures: u32,
    ejected: Option<Ejection>,
}

#[derive(Debug)]
struct Ejection {
    until: Instant,
    lasted: Duration,
    /// A call is on its way that decides.
    probing: bool,
}

/// How a replica may be used now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// As any other, or for the one call that probes it.
    Good,
    /// Only if there is no other.
    Ejected,
}

impl Judge {
    pub(crate) fn standing(&self, now: Instant) -> Standing {
        match &self.ejected {
            Some(ejection) if ejection.probing || now < ejection.until => Standing::Ejected,
            _ => Standing::Good,
        }
    }

    /// A call was given to the replica.
    pub(crate) fn chosen(&mut self, now: Instant) {
        if let Some(ejection) = &mut self.ejected {
            ejection.probing |= now >= ejection.until;
        }
    }

    /// A call ended as it should.
    pub(crate) fn success(&mut self) {
        if self.failures > 0 || self.ejected.is_some() {
            *self = Self::default();
        }
    }

    /// A call ended in a way that says nothing, a cancel for one.
    pub(crate) fn neutral(&mut self) {
        if let Some(ejection) = &mut self.ejected {
            ejection.probing = false;
        }
    }

    /// A call failed by the replica's doing. True if that ejects it.
    pub(crate) fn failure(&mut self, now: Instant, options: &Options) -> bool {
        self.failures = self.failures.saturating_add(1);
        if options.eject_after == 0 {
            return false;
        }
        let lasted = match &self.ejected {
            // Calls that were on their way before it was ejected.
            Some(ejection) if !ejection.probing => return false,
            Some(ejection) => ejection.lasted.saturating_mul(2),
            None if self.failures < options.eject_after => return false,
            None => Duration::from_millis(options.eject_for_ms),
        };
        let lasted = lasted.min(Duration::from_millis(options.eject_for_max_ms));
        self.ejected = Some(Ejection { until: now + lasted, lasted, probing: false });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ejected(options: &Options, now: Instant) -> Judge {
        let mut judge = Judge::default();
        for _ in 1..options.eject_after {
            assert!(!judge.failure(now, options));
        }
        assert!(judge.failure(now, options));
        judge
    }

    #[test]
    fn failures_in_a_row_eject_and_a_success_between_them_does_not() {
        let (options, now) = (Options::default(), Instant::now());
        let mut judge = Judge::default();
        for _ in 0..20 {
            for _ in 0..4 {
                assert!(!judge.failure(now, &options));
            }
            judge.success();
        }
        assert_eq!(judge.standing(now), Standing::Good);
        assert_eq!(ejected(&options, now).standing(now), Standing::Ejected);
    }

    #[test]
    fn one_call_probes_after_the_time_and_its_success_ends_the_ejection() {
        let (options, now) = (Options::default(), Instant::now());
        let mut judge = ejected(&options, now);
        let later = now + Duration::from_secs(1);
        assert_eq!(judge.standing(later), Standing::Good);
        judge.chosen(later);
        assert_eq!(judge.standing(later), Standing::Ejected);
        judge.success();
        assert_eq!(judge.standing(later), Standing::Good);
    }

    #[test]
    fn a_failed_probe_doubles_the_time_up_to_the_longest() {
        let (options, mut now) = (Options::default(), Instant::now());
        let mut judge = ejected(&options, now);
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(judge.standing(now + Duration::from_millis(seconds * 1_000 - 1)), Standing::Ejected);
            now += Duration::from_secs(seconds);
            assert_eq!(judge.standing(now), Standing::Good);
            judge.chosen(now);
            assert!(judge.failure(now, &options));
        }
    }

    #[test]
    fn a_probe_that_was_cancelled_lets_another_through() {
        let (options, now) = (Options::default(), Instant::now());
        let mut judge = ejected(&options, now);
        let later = now + Duration::from_secs(1);
        judge.chosen(later);
        judge.neutral();
        assert_eq!(judge.standing(later), Standing::Good);
    }

    #[test]
    fn late_failures_of_earlier_calls_do_not_lengthen_an_ejection() {
        let (options, now) = (Options::default(), Instant::now());
        let mut judge = ejected(&options, now);
        assert!(!judge.failure(now, &options));
        assert_eq!(judge.standing(now + Duration::from_secs(1)), Standing::Good);
    }

    #[test]
    fn with_eject_after_0_nothing_is_ejected() {
        let options = Options { eject_after: 0, ..Options::default() };
        let mut judge = Judge::default();
        assert!((0..100).all(|_| !judge.failure(Instant::now(), &options)));
    }
}
