//! One timer for all connections of a shard. A connection stands in one slot, the one of the tick at which
//! it next wants to look at its clocks.

use crate::shard::TICK;

/// A moment of a shard: the wheel's steps since it began. In half of the space of a count that never ends it is good for
/// thirteen years; what lies behind them never comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(u32);

impl Tick {
    pub(crate) const START: Self = Self(0);
    pub(crate) const NEVER: Self = Self(u32::MAX);

    /// The moment so many milliseconds after the start.
    pub(crate) const fn at(milliseconds: u64) -> Self {
        Self::of(milliseconds / TICK.as_millis() as u64)
    }

    /// The moment so many milliseconds later, at least one step.
    pub(crate) const fn after(self, milliseconds: u64) -> Self {
        let steps = milliseconds.div_ceil(TICK.as_millis() as u64);
        Self::of((self.0 as u64).saturating_add(if steps == 0 { 1 } else { steps }))
    }

    /// How many steps it is behind another one.
    pub(crate) const fn steps_since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }

    const fn of(steps: u64) -> Self {
        if steps < u32::MAX as u64 { Self(steps as u32) } else { Self::NEVER }
    }
}

/// What stands in the wheel: the connection's place in the shard, and the tick it was armed for, which
/// tells an entry that was overtaken by an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    key: u32,
    pub(crate) tick: Tick,
}

impl Entry {
    /// The connection's place in the shard.
    pub(crate) const fn key(self) -> usize {
        self.key as usize
    }
}

/// Slots of a tick each. What lies further ahead than the wheel reaches fires at its end, looks, and arms
/// itself again.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Entry>>,
    now: Tick,
}

impl Wheel {
    const SLOTS: u32 = 512;

    pub(crate) fn new() -> Self {
        Self { slots: vec![Vec::new(); Self::SLOTS as usize], now: Tick::START }
    }

    /// The tick of this moment.
    pub(crate) const fn now(&self) -> Tick {
        self.now
    }

    /// Arms for `tick`, or the nearest one that the wheel holds; returns the one taken. A shard has no place that takes
    /// more than 32 bits.
    pub(crate) fn arm(&mut self, key: usize, tick: Tick) -> Tick {
        let Tick(now) = self.now;
        let tick = Tick(tick.0.clamp(now + 1, now + Self::SLOTS - 1));
        self.slots[Self::slot(tick.0)].push(Entry { key: key as u32, tick });
        tick
    }

    /// Moves on to `tick` and appends what became due, in order.
    pub(crate) fn advance(&mut self, tick: Tick, due: &mut Vec<Entry>) {
        let from = self.now.0 + 1;
        // After a long sleep each slot is visited once.
        for tick in from.max(tick.0.saturating_sub(Self::SLOTS - 1))..=tick.0 {
            // Its space goes too: the next ones stand in other slots.
            due.extend(std::mem::take(&mut self.slots[Self::slot(tick)]));
        }
        self.now = self.now.max(tick);
    }

    const fn slot(tick: u32) -> usize {
        (tick % Self::SLOTS) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel, tick: u32) -> Vec<usize> {
        let mut due = Vec::new();
        wheel.advance(Tick(tick), &mut due);
        due.into_iter().map(|entry| entry.key()).collect()
    }

    #[test]
    fn an_entry_fires_at_its_tick_and_once() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.arm(7, Tick(3)), Tick(3));
        assert!(due(&mut wheel, 2).is_empty());
        assert_eq!(due(&mut wheel, 3), [7]);
        assert!(due(&mut wheel, 600).is_empty());
    }

    #[test]
    fn the_past_fires_at_the_next_tick() {
        let mut wheel = Wheel::new();
        due(&mut wheel, 10);
        assert_eq!(wheel.arm(1, Tick(4)), Tick(11));
    }

    #[test]
    fn what_lies_too_far_ahead_fires_at_the_end_of_the_wheel() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.arm(1, Tick(10_000)), Tick(511));
        assert_eq!(due(&mut wheel, 511), [1]);
    }

    #[test]
    fn a_long_sleep_loses_nothing() {
        let mut wheel = Wheel::new();
        for tick in 1..=511 {
            wheel.arm(tick as usize, Tick(tick));
        }
        assert_eq!(due(&mut wheel, 100_000).len(), 511);
    }

    #[test]
    fn a_moment_is_at_least_one_step_later_and_at_last_never() {
        assert_eq!(Tick::at(1_099), Tick(10));
        let after = [0, 1, 100, 101, u64::MAX].map(|milliseconds| Tick(10).after(milliseconds));
        assert_eq!(after, [Tick(11), Tick(11), Tick(11), Tick(12), Tick::NEVER]);
        assert_eq!(Tick::NEVER.after(100), Tick::NEVER);
        assert_eq!(Tick(12).steps_since(Tick(10)), 2);
    }
}
