//! Room for the elements of a batch between its check and its delivery, kept by each thread, so
//! that a batch allocates nothing.

use std::cell::Cell;

use super::decode::Fields;

/// Each element: its first byte, and its fields if it is an object.
pub(super) type Elements<'a> = Vec<(u8, Fields<'a>)>;

/// A thread keeps no larger room than this for the next batch.
const KEPT: usize = 1024;

thread_local! {
    static ROOM: Cell<Elements<'static>> = const { Cell::new(Vec::new()) };
}

/// Takes the thread's room, empty.
pub(super) fn take<'a>() -> Elements<'a> {
    ROOM.take()
}

/// Gives the room back.
pub(super) fn put_back(mut elements: Elements<'_>) {
    if elements.capacity() <= KEPT {
        elements.clear();
        // An empty vector of one lifetime becomes one of another; std collects it in place.
        ROOM.set(elements.into_iter().map(|_| (0, Fields::default())).collect());
    }
}
