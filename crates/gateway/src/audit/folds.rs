//! Refusals that are alike: the first is told at once, and those of the ten seconds behind it in one line. So whoever
//! comes again and again neither fills the disk nor crowds other decisions out.

use super::entry::{Entry, Kind};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long refusals are counted together.
const WINDOW: Duration = Duration::from_secs(10);
/// Kinds of refusals at a time. Those of further ones count together, wherever they come from.
const KINDS: usize = 4_096;

/// What is counted at the moment.
#[derive(Debug, Default)]
pub(super) struct Folds(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// How many of each kind are not told.
    untold: HashMap<Arc<Kind>, u64>,
    /// When each of them is to be told, the next one first.
    ends: VecDeque<(Instant, Arc<Kind>)>,
}

impl Folds {
    /// The entry, unless it is counted with one that was told before.
    pub(super) fn fold(&self, entry: Entry, now: Instant) -> Option<Entry> {
        let Some(mut kind) = entry.kind() else { return Some(entry) };
        let mut table = self.table();
        if table.untold.len() >= KINDS && !table.untold.contains_key(&kind) {
            kind = kind.of_anybody();
        }
        if let Some(untold) = table.untold.get_mut(&kind) {
            *untold += 1;
            return None;
        }
        table.open(Arc::new(kind), now);
        Some(entry)
    }

    /// When something is to be told next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.table().ends.front().map(|(end, _)| *end)
    }

    /// What is to be told by now.
    pub(super) fn due(&self, now: Instant) -> Vec<Entry> {
        let mut table = self.table();
        let mut entries = Vec::new();
        while table.ends.front().is_some_and(|(end, _)| *end <= now) {
            let Some((_, kind)) = table.ends.pop_front() else { break };
            let untold = table.untold.remove(&kind).unwrap_or_default();
            if untold > 0 {
                entries.push(Entry::folded(&kind, untold));
                table.open(kind, now);
            }
        }
        entries
    }

    /// What nobody waits for any longer: all of it.
    pub(super) fn rest(&self) -> Vec<Entry> {
        let table = std::mem::take(&mut *self.table());
        let untold = table.ends.iter().filter_map(|(_, kind)| Some((kind, *table.untold.get(kind)?)));
        untold.filter(|(_, untold)| *untold > 0).map(|(kind, untold)| Entry::folded(kind, untold)).collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn open(&mut self, kind: Arc<Kind>, now: Instant) {
        self.untold.insert(Arc::clone(&kind), 0);
        self.ends.push_back((now + WINDOW, kind));
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::Event;
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    fn refusal(address: u32, reason: &'static str) -> Entry {
        Entry::new(Event::Refuse).address(Some(Ipv4Addr::from_bits(address).into())).reason(reason)
    }

    fn told(entries: &[Entry]) -> Vec<(Option<IpAddr>, u64)> {
        entries.iter().map(|entry| (entry.kind().and_then(|kind| kind.address()), entry.times())).collect()
    }

    #[test]
    fn those_of_a_window_are_told_at_its_end() {
        let (folds, start) = (Folds::default(), Instant::now());
        let address = Some(Ipv4Addr::from_bits(1).into());
        assert!(folds.fold(refusal(1, "flood"), start).is_some());
        for second in 0..5 {
            assert!(folds.fold(refusal(1, "flood"), start + Duration::from_secs(second)).is_none());
        }
        assert!(folds.fold(refusal(1, "address"), start).is_some(), "for another reason");
        assert!(folds.fold(refusal(2, "flood"), start).is_some(), "from elsewhere");
        assert!(folds.fold(Entry::new(Event::Connect), start).is_some());
        assert!(folds.fold(Entry::new(Event::Connect), start).is_some(), "no refusal");
        assert!(folds.due(start + WINDOW - Duration::from_nanos(1)).is_empty());
        assert_eq!(told(&folds.due(start + WINDOW)), [(address, 5)]);
        // What goes on is told once in each window, and what has ended is forgotten.
        assert!(folds.fold(refusal(1, "flood"), start + WINDOW).is_none());
        assert_eq!(folds.next(), Some(start + WINDOW * 2));
        assert_eq!(told(&folds.due(start + WINDOW * 2)), [(address, 1)]);
        assert!(folds.due(start + WINDOW * 3).is_empty());
        assert_eq!(folds.next(), None);
        assert!(folds.fold(refusal(1, "flood"), start + WINDOW * 3).is_some());
    }

    #[test]
    fn of_many_kinds_the_rest_is_counted_together() {
        let (folds, now) = (Folds::default(), Instant::now());
        let many = KINDS as u32 + 1_000;
        let told_at_once = (0..many).filter(|address| folds.fold(refusal(*address, "flood"), now).is_some());
        assert_eq!(told_at_once.count(), KINDS + 1);
        assert!(folds.fold(refusal(7, "flood"), now).is_none());
        let seventh = Some(Ipv4Addr::from_bits(7).into());
        assert_eq!(told(&folds.rest()), [(seventh, 1), (None, 999)]);
        assert!(folds.rest().is_empty());
    }
}
