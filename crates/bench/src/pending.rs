//! The requests that are under way on one thread. Each has a place, which its id names, so that an answer is found
//! without a search, in whatever order it comes.

/// The first id. Ids have 16 digits, so that requests of one kind are of one length.
const FIRST: u64 = 1 << 50;
const PLACE_BITS: u32 = 20;
/// The most requests that one thread may have under way.
pub(crate) const MOST: usize = 1 << PLACE_BITS;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// Which connection it went out on.
    pub(crate) connection: u32,
    /// Which of the parts of the load it is of.
    pub(crate) part: u16,
    /// When it was due.
    pub(crate) due: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// The id that each place has now; 0 for none.
    places: Vec<(u64, Request)>,
    free: Vec<u32>,
    turn: u64,
}

impl Pending {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Enters a request; the id that it has to have. An id is never given twice.
    #[inline]
    pub(crate) fn enter(&mut self, request: Request) -> u64 {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, request));
            (self.places.len() - 1) as u32
        });
        self.turn += 1;
        let id = FIRST + (self.turn << PLACE_BITS) + u64::from(place);
        self.places[place as usize] = (id, request);
        id
    }

    /// Takes out the request of this id, if it is under way.
    #[inline]
    pub(crate) fn take(&mut self, id: u64) -> Option<Request> {
        let place = (id.checked_sub(FIRST)? & (MOST as u64 - 1)) as u32;
        let entry = self.places.get_mut(place as usize).filter(|entry| entry.0 == id)?;
        entry.0 = 0;
        self.free.push(place);
        Some(entry.1)
    }

    /// Takes out all requests of a connection that is gone.
    pub(crate) fn forget(&mut self, connection: u32, mut lost: impl FnMut(Request)) {
        for (place, entry) in self.places.iter_mut().enumerate() {
            if entry.0 != 0 && entry.1.connection == connection {
                entry.0 = 0;
                self.free.push(place as u32);
                lost(entry.1);
            }
        }
    }

    /// All that are under way.
    pub(crate) fn requests(&self) -> impl Iterator<Item = Request> {
        self.places.iter().filter(|entry| entry.0 != 0).map(|entry| entry.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(connection: u32) -> Request {
        Request { connection, part: 0, due: 0 }
    }

    #[test]
    fn a_request_is_found_by_its_id_once_and_no_id_comes_twice() {
        let mut pending = Pending::default();
        let ids: Vec<_> = (0..3).map(|connection| pending.enter(of(connection))).collect();
        assert_eq!(pending.take(ids[1]), Some(of(1)));
        assert_eq!(pending.take(ids[1]), None);
        let again = pending.enter(of(9));
        assert!(!ids.contains(&again) && again.to_string().len() == 16);
        assert_eq!((pending.take(ids[1]), pending.take(again)), (None, Some(of(9))));
        assert_eq!((pending.take(0), pending.take(u64::MAX), pending.len()), (None, None, 2));
    }

    #[test]
    fn requests_of_a_lost_connection_are_forgotten_and_no_others() {
        let mut pending = Pending::default();
        let kept = pending.enter(of(1));
        pending.enter(of(2));
        let mut lost = Vec::new();
        pending.forget(2, |request| lost.push(request.connection));
        assert_eq!((lost, pending.len()), (vec![2], 1));
        assert_eq!(pending.take(kept), Some(of(1)));
    }
}
