//! One timer for all connections of a shard. A connection stands in one slot, the one of the tick at which
//! it next wants to look at its clocks.

/// What stands in the wheel: the connection's place in the shard, and the tick it was armed for, which
/// tells an entry that was overtaken by an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: usize,
    pub(crate) tick: u64,
}

/// Slots of a tick each. What lies further ahead than the wheel reaches fires at its end, looks, and arms
/// itself again.
#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<Entry>>,
    now: u64,
}

impl Wheel {
    const SLOTS: usize = 512;

    pub(crate) fn new() -> Self {
        Self { slots: vec![Vec::new(); Self::SLOTS], now: 0 }
    }

    /// The tick of this moment.
    pub(crate) const fn now(&self) -> u64 {
        self.now
    }

    /// Arms for `tick`, or the nearest one that the wheel holds; returns the one taken.
    pub(crate) fn arm(&mut self, key: usize, tick: u64) -> u64 {
        let tick = tick.clamp(self.now + 1, self.now + Self::SLOTS as u64 - 1);
        self.slots[tick as usize % Self::SLOTS].push(Entry { key, tick });
        tick
    }

    /// Moves on to `tick` and appends what became due, in order.
    pub(crate) fn advance(&mut self, tick: u64, due: &mut Vec<Entry>) {
        let from = self.now + 1;
        // After a long sleep each slot is visited once.
        for tick in from.max(tick.saturating_sub(Self::SLOTS as u64 - 1))..=tick {
            // Its space goes too: the next ones stand in other slots.
            due.extend(std::mem::take(&mut self.slots[tick as usize % Self::SLOTS]));
        }
        self.now = self.now.max(tick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel, tick: u64) -> Vec<usize> {
        let mut due = Vec::new();
        wheel.advance(tick, &mut due);
        due.into_iter().map(|entry| entry.key).collect()
    }

    #[test]
    fn an_entry_fires_at_its_tick_and_once() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.arm(7, 3), 3);
        assert!(due(&mut wheel, 2).is_empty());
        assert_eq!(due(&mut wheel, 3), [7]);
        assert!(due(&mut wheel, 600).is_empty());
    }

    #[test]
    fn the_past_fires_at_the_next_tick() {
        let mut wheel = Wheel::new();
        due(&mut wheel, 10);
        assert_eq!(wheel.arm(1, 4), 11);
    }

    #[test]
    fn what_lies_too_far_ahead_fires_at_the_end_of_the_wheel() {
        let mut wheel = Wheel::new();
        assert_eq!(wheel.arm(1, 10_000), 511);
        assert_eq!(due(&mut wheel, 511), [1]);
    }

    #[test]
    fn a_long_sleep_loses_nothing() {
        let mut wheel = Wheel::new();
        for tick in 1..=511 {
            wheel.arm(tick as usize, tick);
        }
        assert_eq!(due(&mut wheel, 100_000).len(), 511);
    }
}
