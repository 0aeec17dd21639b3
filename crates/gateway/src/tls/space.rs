//! Space in which the sessions of a thread, which is a shard's, take records apart and seal them, one after the other.

use std::cell::RefCell;

thread_local! {
    static SPACE: RefCell<Space> = RefCell::new(Space::new());
}

/// As many bytes are sealed for one write to the socket: four records of the largest size.
pub(super) const TAKEN: usize = 64 * 1024;

/// One thread's.
#[derive(Debug)]
pub(super) struct Space {
    /// What is left of an earlier read, and behind it what was read.
    pub(super) input: Box<[u8]>,
    pub(super) sealed: Vec<u8>,
}

impl Space {
    /// The most that is read at once; and the least, also where the reader has less room.
    pub(super) const READ: usize = 64 * 1024;
    pub(super) const READ_LEAST: usize = 4 * 1024;
    /// The most of a message or record that has not come whole. A handshake's certificates are the longest.
    pub(super) const PARTIAL: usize = 64 * 1024;
    /// What sealing adds to four records, and a message before them.
    const OVERHEAD: usize = 1024;

    fn new() -> Self {
        Self {
            input: vec![0; Self::PARTIAL + Self::READ].into_boxed_slice(),
            sealed: vec![0; TAKEN + Self::OVERHEAD],
        }
    }
}

/// Lends the thread's space.
pub(super) fn borrow<T>(work: impl FnOnce(&mut Space) -> T) -> T {
    SPACE.with_borrow_mut(work)
}
