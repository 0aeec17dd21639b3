//! The newest part of one tenant's log in a shard, and who reads it here. It reads no store: whoever keeps it does.

use super::Entry;
use crate::shard::Peer;
use session_store::{Event, LogEpoch, Offset, Position};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;

/// What stands behind a cursor.
#[derive(Debug)]
pub(crate) enum Step {
    /// Nothing yet.
    End,
    /// This event.
    Entry(Rc<Entry>),
    /// Events that are no longer here, but may be in the store.
    Behind,
    /// Nobody knows what was between the cursor and this place.
    Gap(Position),
}

/// The entries are those behind `base`, without a hole.
#[derive(Debug)]
struct Ring {
    epoch: LogEpoch,
    /// The epoch that this one followed on, for those who still stand there.
    former: Option<LogEpoch>,
    /// Where this epoch began to be seen: the store's log has what is behind it, as far as its bounds reach.
    origin: u64,
    base: u64,
    entries: VecDeque<Rc<Entry>>,
    bytes: usize,
}

impl Ring {
    fn at(position: Position, former: Option<LogEpoch>) -> Self {
        let offset = position.offset.0;
        Self {
            epoch: position.epoch,
            former,
            origin: offset,
            base: offset,
            entries: VecDeque::new(),
            bytes: 0,
        }
    }

    fn end(&self) -> u64 {
        self.base + self.entries.len() as u64
    }
}

/// Who reads a log, and behind which event it stands.
#[derive(Debug)]
struct Place {
    peer: Rc<Peer>,
    cursor: Rc<Cell<Position>>,
}

/// A log that somebody here reads.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) tenant: Arc<str>,
    /// None until the store has said where the log ends.
    ring: RefCell<Option<Ring>>,
    readers: RefCell<Slab<Place>>,
    most_bytes: usize,
    live: Notify,
    /// Whether somebody is reading the store for it, and whether that is to be done once more.
    pub(super) refreshing: Cell<bool>,
    pub(super) again: Cell<bool>,
    /// Readers are to be woken.
    pub(super) grown: Cell<bool>,
}

impl Log {
    pub(super) fn new(tenant: Arc<str>, most_bytes: usize) -> Self {
        Self {
            tenant,
            ring: RefCell::default(),
            readers: RefCell::default(),
            most_bytes,
            live: Notify::new(),
            refreshing: Cell::new(false),
            again: Cell::new(false),
            grown: Cell::new(false),
        }
    }

    /// Where the log ends, as far as this shard knows; waits until it knows. Cancel safe.
    pub(crate) async fn end(&self) -> Position {
        loop {
            let live = self.live.notified();
            if let Some(end) = self.known_end() {
                return end;
            }
            live.await;
        }
    }

    /// Whether this is the life of the log that the shard knows.
    pub(crate) fn is_of(&self, epoch: LogEpoch) -> bool {
        self.known_end().is_some_and(|end| end.epoch == epoch)
    }

    pub(super) fn known_end(&self) -> Option<Position> {
        let ring = self.ring.borrow();
        ring.as_ref().map(|ring| Position { epoch: ring.epoch, offset: Offset(ring.end()) })
    }

    /// From here on the log is kept; what was before has nothing to do with it.
    pub(super) fn reset(&self, position: Position) {
        let mut ring = self.ring.borrow_mut();
        let former = ring.as_ref().map(|ring| ring.epoch);
        *ring = Some(Ring::at(position, former));
        drop(ring);
        self.grown.set(true);
        self.live.notify_waiters();
    }

    /// Appends an event that follows on the last one; false if it does not, and the store has to be asked.
    pub(super) fn append(&self, epoch: LogEpoch, event: Event) -> bool {
        let mut ring = self.ring.borrow_mut();
        let Some(ring) = &mut *ring else { return false };
        if ring.epoch != epoch {
            return false;
        }
        match event.offset.0.cmp(&(ring.end() + 1)) {
            std::cmp::Ordering::Less => return true,
            std::cmp::Ordering::Greater => return false,
            std::cmp::Ordering::Equal => {}
        }
        let entry = Entry::new(event);
        ring.bytes += entry.weight();
        ring.entries.push_back(Rc::new(entry));
        while ring.bytes > self.most_bytes && ring.entries.len() > 1 {
            if let Some(oldest) = ring.entries.pop_front() {
                ring.bytes -= oldest.weight();
                ring.base += 1;
            }
        }
        self.grown.set(true);
        true
    }

    /// What stands behind a cursor.
    pub(crate) fn step(&self, cursor: Position) -> Step {
        let ring = self.ring.borrow();
        let Some(ring) = &*ring else { return Step::End };
        let offset = cursor.offset.0;
        if cursor.epoch != ring.epoch {
            // Up to where the epoch before ended, a cursor stands in this one as it did in that.
            let reached =
                if ring.former == Some(cursor.epoch) { offset.min(ring.origin) } else { ring.origin };
            return Step::Gap(Position { epoch: ring.epoch, offset: Offset(reached) });
        }
        if offset < ring.base {
            return Step::Behind;
        }
        // A client that comes from another shard or pod may have seen more than this one has: its events follow.
        match ring.entries.get((offset - ring.base) as usize) {
            Some(entry) => Step::Entry(Rc::clone(entry)),
            None => Step::End,
        }
    }

    /// Wakes this peer from now on; the place is given back with [`Log::leave`].
    pub(crate) fn join(&self, peer: &Rc<Peer>, cursor: &Rc<Cell<Position>>) -> usize {
        self.readers.borrow_mut().insert(Place { peer: Rc::clone(peer), cursor: Rc::clone(cursor) })
    }

    /// By how many events the reader is behind that is furthest behind.
    pub(super) fn lag(&self) -> u64 {
        let Some(end) = self.known_end() else { return 0 };
        let readers = self.readers.borrow();
        let cursors = readers.iter().map(|(_, reader)| reader.cursor.get());
        // One of another epoch is about to be told of a gap, wherever it stands.
        let behind = cursors.filter(|cursor| cursor.epoch == end.epoch);
        behind.map(|cursor| end.offset.0.saturating_sub(cursor.offset.0)).max().unwrap_or(0)
    }

    pub(crate) fn leave(&self, place: usize) {
        self.readers.borrow_mut().try_remove(place);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.readers.borrow().is_empty()
    }

    /// Wakes all readers if there is something new for them.
    pub(super) fn wake(&self) {
        if self.grown.take() {
            for (_, reader) in &*self.readers.borrow() {
                reader.peer.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const EPOCH: LogEpoch = LogEpoch(7);

    fn event(offset: u64) -> Event {
        Event { offset: Offset(offset), name: Arc::from("a"), data: Bytes::from_static(b"1") }
    }

    fn at(epoch: LogEpoch, offset: u64) -> Position {
        Position { epoch, offset: Offset(offset) }
    }

    fn log(most_bytes: usize) -> Log {
        let log = Log::new(Arc::from("t"), most_bytes);
        log.reset(at(EPOCH, 10));
        log
    }

    #[track_caller]
    fn check(log: &Log, cursor: Position, expected: &str) {
        let found = match log.step(cursor) {
            Step::End => "end".to_owned(),
            Step::Entry(entry) => format!("{}", entry.offset),
            Step::Behind => "behind".to_owned(),
            Step::Gap(position) => format!("gap {}", position.offset.0),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_cursor_goes_from_event_to_event() {
        let log = log(1 << 20);
        check(&log, at(EPOCH, 10), "end");
        assert!(log.append(EPOCH, event(11)) && log.append(EPOCH, event(12)));
        check(&log, at(EPOCH, 10), "11");
        check(&log, at(EPOCH, 11), "12");
        check(&log, at(EPOCH, 12), "end");
        check(&log, at(EPOCH, 9), "behind");
    }

    #[test]
    fn a_hole_is_not_appended_and_an_old_event_is_no_hole() {
        let log = log(1 << 20);
        assert!(!log.append(EPOCH, event(12)));
        assert!(log.append(EPOCH, event(11)));
        assert!(log.append(EPOCH, event(11)));
        assert!(!log.append(LogEpoch(8), event(12)));
        assert_eq!(log.known_end(), Some(at(EPOCH, 11)));
    }

    #[test]
    fn the_oldest_events_make_room() {
        let weight = Entry::new(event(11)).weight();
        let log = log(2 * weight);
        for offset in 11..=14 {
            assert!(log.append(EPOCH, event(offset)));
        }
        check(&log, at(EPOCH, 11), "behind");
        check(&log, at(EPOCH, 12), "13");
    }

    #[test]
    fn another_epoch_is_a_gap() {
        let log = log(1 << 20);
        log.reset(at(LogEpoch(8), 3));
        check(&log, at(EPOCH, 10), "gap 3");
        check(&log, at(EPOCH, 2), "gap 2");
        check(&log, at(LogEpoch(9), 2), "gap 3");
        check(&log, at(LogEpoch(8), 4), "end");
    }
}
