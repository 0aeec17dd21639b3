//! When what is due: one timer for all calls of a shard. Ticks and places in, places out; it knows
//! no clock and no call.

const SLOTS: usize = 4_096;
const NONE: u32 = u32::MAX;
const ABSENT: u64 = u64::MAX;

/// A hashed wheel of doubly linked lists: adding, moving and removing cost the same however many
/// there are, and a removed entry leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Wheel {
    /// First place of each slot's list.
    heads: Box<[u32]>,
    /// A bit for each slot that is not empty.
    occupied: [u64; SLOTS / 64],
    /// By place.
    nodes: Vec<Node>,
    /// Everything due at this tick or earlier has been taken out.
    passed: u64,
    count: usize,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    previous: u32,
    next: u32,
    tick: u64,
}

const ABSENT_NODE: Node = Node { previous: NONE, next: NONE, tick: ABSENT };

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            heads: vec![NONE; SLOTS].into_boxed_slice(),
            occupied: [0; SLOTS / 64],
            nodes: Vec::new(),
            passed: 0,
            count: 0,
        }
    }

    /// Makes `place` due at `tick`, or at the next tick if that has passed; `now` is the present tick.
    pub(crate) fn insert(&mut self, place: usize, tick: u64, now: u64) -> u64 {
        self.remove(place);
        if self.count == 0 {
            self.passed = self.passed.max(now);
        }
        if place >= self.nodes.len() {
            self.nodes.resize(place + 1, ABSENT_NODE);
        }
        let tick = tick.max(self.passed + 1);
        let slot = slot_of(tick);
        let next = self.heads[slot];
        self.nodes[place] = Node { previous: NONE, next, tick };
        if next != NONE {
            self.nodes[next as usize].previous = place as u32;
        }
        self.heads[slot] = place as u32;
        self.occupied[slot / 64] |= 1 << (slot % 64);
        self.count += 1;
        tick
    }

    /// Forgets `place`; no error if it is not there.
    pub(crate) fn remove(&mut self, place: usize) {
        let Some(&Node { previous, next, tick }) = self.nodes.get(place).filter(|node| node.tick != ABSENT)
        else {
            return;
        };
        self.nodes[place] = ABSENT_NODE;
        self.count -= 1;
        if next != NONE {
            self.nodes[next as usize].previous = previous;
        }
        if previous != NONE {
            self.nodes[previous as usize].next = next;
            return;
        }
        let slot = slot_of(tick);
        self.heads[slot] = next;
        if next == NONE {
            self.occupied[slot / 64] &= !(1 << (slot % 64));
        }
    }

    /// The tick at which to look next: never later than the first that is due, and earlier only if
    /// that one is further away than a turn of the wheel. `None` if the wheel is empty.
    pub(crate) fn next(&self) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let first = slot_of(self.passed + 1);
        let words = self.occupied.len();
        for step in 0..=words {
            let word = (first / 64 + step) % words;
            let mut bits = self.occupied[word];
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            }
            if bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (slot + SLOTS - first) % SLOTS;
                return Some(self.passed + 1 + ahead as u64);
            }
        }
        None
    }

    /// Takes out every place that is due at `now` or earlier.
    pub(crate) fn expire(&mut self, now: u64, due: &mut Vec<usize>) {
        while let Some(tick) = self.next().filter(|tick| *tick <= now) {
            self.passed = tick;
            let mut place = self.heads[slot_of(tick)];
            while place != NONE {
                let node = self.nodes[place as usize];
                // After a long sleep later ticks of other turns may be due as well.
                if node.tick <= now {
                    self.remove(place as usize);
                    due.push(place as usize);
                }
                place = node.next;
            }
        }
        self.passed = self.passed.max(now);
    }
}

fn slot_of(tick: u64) -> usize {
    (tick % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn expired(wheel: &mut Wheel, now: u64) -> Vec<usize> {
        let mut due = Vec::new();
        wheel.expire(now, &mut due);
        due.sort_unstable();
        due
    }

    #[test]
    fn a_place_is_due_at_its_tick_and_not_before() {
        let mut wheel = Wheel::new();
        wheel.insert(3, 50, 0);
        assert_eq!(wheel.next(), Some(50));
        assert!(expired(&mut wheel, 49).is_empty());
        assert_eq!(expired(&mut wheel, 50), [3]);
        assert_eq!(wheel.next(), None);
    }

    #[test]
    fn a_tick_beyond_one_turn_waits_for_its_own_turn() {
        let mut wheel = Wheel::new();
        let far = SLOTS as u64 * 3 + 7;
        wheel.insert(0, far, 0);
        assert!(expired(&mut wheel, far - 1).is_empty());
        assert_eq!(expired(&mut wheel, far), [0]);
    }

    #[test]
    fn a_tick_that_has_passed_is_due_at_the_next() {
        let mut wheel = Wheel::new();
        wheel.insert(0, 10, 0);
        expired(&mut wheel, 100);
        assert_eq!(wheel.insert(1, 5, 100), 101);
        assert_eq!(expired(&mut wheel, 101), [1]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_sorted_map(steps in prop::collection::vec((0usize..40, 0u64..10_000, 0u64..3_000, 0u8..4), 1..200)) {
            let mut wheel = Wheel::new();
            let mut model: BTreeMap<usize, u64> = BTreeMap::new();
            let mut now = 0;
            for (place, ahead, forward, action) in steps {
                match action {
                    0 | 1 => {
                        wheel.insert(place, now + ahead, now);
                        model.insert(place, (now + ahead).max(now + 1));
                    }
                    2 => {
                        wheel.remove(place);
                        model.remove(&place);
                    }
                    _ => {
                        now += forward;
                        let due: Vec<_> = model.iter().filter(|(_, tick)| **tick <= now).map(|(place, _)| *place).collect();
                        model.retain(|_, tick| *tick > now);
                        prop_assert_eq!(expired(&mut wheel, now), due);
                    }
                }
                let first = model.values().min().copied();
                prop_assert_eq!(wheel.next().is_some(), first.is_some());
                if let (Some(next), Some(first)) = (wheel.next(), first) {
                    prop_assert!(next <= first);
                }
            }
        }
    }
}
