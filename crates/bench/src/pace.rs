//! When messages are due at a fixed rate. They are due whether or not what was sent before is answered.

use crate::clock::SECOND;

/// Messages that are due closer to each other than this are sent so long after one another: a thread that is woken for each
/// of them does little else. Their wait is a part of their latency.
const STEP: u64 = 50_000;

/// The due times of one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    begin: u64,
    end: u64,
    nanos: f64,
    taken: u64,
}

impl Pace {
    /// `per_second` of them, evenly, from `begin` on and before `end`. `phase`, from 0 to 1, moves them by a part of
    /// their distance, so that threads take turns.
    pub(crate) fn new(per_second: f64, phase: f64, begin: u64, end: u64) -> Self {
        let nanos = SECOND as f64 / per_second;
        Self { begin: begin + (nanos * phase) as u64, end, nanos, taken: 0 }
    }

    /// When the next one is due; none after the end.
    #[inline]
    pub(crate) fn next(&self) -> Option<u64> {
        let due = self.begin + (self.taken as f64 * self.nanos) as u64;
        (due < self.end).then_some(due)
    }

    /// When to look for those that are due; none after the end.
    pub(crate) fn wake(&self) -> Option<u64> {
        let due = self.next()?;
        Some(if self.nanos < STEP as f64 { due.div_ceil(STEP) * STEP } else { due })
    }

    /// Takes the next one, if it is due.
    #[inline]
    pub(crate) fn take(&mut self, now: u64) -> Option<u64> {
        let due = self.next().filter(|due| *due <= now)?;
        self.taken += 1;
        Some(due)
    }

    /// The one that was taken last could not be sent.
    pub(crate) fn give_back(&mut self) {
        self.taken -= 1;
    }

    /// Nothing is due from `end` on.
    pub(crate) fn cut(&mut self, end: u64) {
        self.end = self.end.min(end);
    }

    /// How many are due and were not taken.
    pub(crate) fn overdue(&self, now: u64) -> u64 {
        let until = now.min(self.end.saturating_sub(1));
        match until.checked_sub(self.begin) {
            Some(passed) => ((passed as f64 / self.nanos) as u64 + 1).saturating_sub(self.taken),
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_within_a_step_is_sent_at_its_end_and_keeps_its_time() {
        let mut quick = Pace::new(100_000.0, 0.0, 0, SECOND);
        assert_eq!(quick.take(0), Some(0));
        assert_eq!((quick.next(), quick.wake()), (Some(10_000), Some(STEP)));
        let together: Vec<_> = std::iter::from_fn(|| quick.take(STEP)).collect();
        assert_eq!(together, [10_000, 20_000, 30_000, 40_000, 50_000]);
        let slow = Pace::new(20_000.0, 0.5, 0, SECOND);
        assert_eq!((slow.next(), slow.wake()), (Some(25_000), Some(25_000)));
    }

    #[test]
    fn a_stall_makes_nothing_less_due() {
        let mut pace = Pace::new(10.0, 0.0, 0, SECOND);
        assert_eq!((pace.take(0), pace.take(0)), (Some(0), None));
        // Half a second later four are late, and each has its own time.
        let half = SECOND / 2 - 1;
        assert_eq!(pace.overdue(half), 4);
        let late: Vec<_> = std::iter::from_fn(|| pace.take(half)).collect();
        assert_eq!(late, [100_000_000, 200_000_000, 300_000_000, 400_000_000]);
        let rest = std::iter::from_fn(|| pace.take(10 * SECOND)).count();
        assert_eq!((rest, pace.next(), pace.overdue(10 * SECOND)), (5, None, 0));
    }
}
