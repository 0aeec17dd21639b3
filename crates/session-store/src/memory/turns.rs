//! Things in the order in which they came, each found by its turn for as long as it is there.
use std::collections::VecDeque;

/// What has left leaves a hole until everything before it has left too.
#[derive(Debug)]
pub(super) struct Turns<T> {
    places: VecDeque<Option<T>>,
    /// The turn of the first place, which is never a hole.
    first: u64,
    len: usize,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { places: VecDeque::new(), first: 0, len: 0 }
    }
}

impl<T> Turns<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are so many more holes than things that these should be numbered anew.
    pub(super) fn is_sparse(&self) -> bool {
        self.places.len() > 2 * self.len + 64
    }

    /// Appends a thing; its turn.
    pub(super) fn push(&mut self, thing: T) -> u64 {
        self.places.push_back(Some(thing));
        self.len += 1;
        self.first + self.places.len() as u64 - 1
    }

    /// The oldest, and its turn.
    pub(super) fn first(&self) -> Option<(u64, &T)> {
        self.places.front()?.as_ref().map(|thing| (self.first, thing))
    }

    pub(super) fn remove(&mut self, turn: u64) -> Option<T> {
        let place = usize::try_from(turn.checked_sub(self.first)?).ok()?;
        let thing = self.places.get_mut(place)?.take()?;
        self.len -= 1;
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        Some(thing)
    }

    /// All of them with their turns, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let turns = self.first..;
        turns.zip(&self.places).filter_map(|(turn, thing)| Some((turn, thing.as_ref()?)))
    }

    /// Numbers all of them anew, without holes.
    pub(super) fn renumber(&mut self, mut renumbered: impl FnMut(&T, u64)) {
        self.places.retain(Option::is_some);
        for (turn, thing) in self.iter() {
            renumbered(thing, turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_turn_whatever_left_before() {
        let mut turns = Turns::default();
        let [a, b, c] = ["a", "b", "c"].map(|thing| turns.push(thing));
        assert_eq!(turns.remove(b), Some("b"));
        assert_eq!((turns.remove(b), turns.len(), turns.first()), (None, 2, Some((a, &"a"))));
        assert_eq!(turns.remove(a), Some("a"));
        assert_eq!(turns.first(), Some((c, &"c")));
        assert_eq!(turns.remove(c + 1), None);
        assert_eq!(turns.remove(c), Some("c"));
        assert_eq!((turns.first(), turns.len()), (None, 0));
        assert!(turns.push("d") > c, "no turn comes twice");
    }

    #[test]
    fn holes_behind_one_that_stays_are_closed() {
        let mut turns = Turns::default();
        turns.push(0);
        while !turns.is_sparse() {
            let turn = turns.push(1);
            turns.remove(turn);
        }
        let last = turns.push(2);
        let mut seen = Vec::new();
        turns.renumber(|number, turn| seen.push((*number, turn)));
        let [(0, first), (2, next)] = seen[..] else { panic!("{seen:?}") };
        assert!(next == first + 1 && next < last && !turns.is_sparse());
        assert_eq!(turns.remove(next), Some(2));
    }
}
