//! What the rest of the shard may touch of a connection: it can leave results, raise a signal, and wake it.

use router::{Event, Sink};
use std::cell::{Cell, RefCell};
use std::task::Waker;

/// Why a connection was woken, apart from its socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals(u8);

impl Signals {
    /// A clock is due.
    pub(crate) const CLOCK: Self = Self(1);
    /// The pod drains.
    pub(crate) const DRAIN: Self = Self(2);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// An event of a running call, and the tag that the session gave the call.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) tag: u64,
    pub(crate) event: Event,
}

/// The outside of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    id: u64,
    key: usize,
    /// The tick that the wheel holds for this connection; 0 for none.
    pub(crate) armed: Cell<u64>,
    signals: Cell<Signals>,
    waker: RefCell<Option<Waker>>,
    inbox: RefCell<Vec<Delivery>>,
}

impl Peer {
    pub(crate) fn new(id: u64, key: usize) -> Self {
        Self {
            id,
            key,
            armed: Cell::new(0),
            signals: Cell::default(),
            waker: RefCell::default(),
            inbox: RefCell::default(),
        }
    }

    /// Tells the connection from every other one of the process; for logs.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Its place in the shard, which another connection may have had.
    pub(crate) const fn key(&self) -> usize {
        self.key
    }

    pub(crate) fn signal(&self, signal: Signals) {
        self.signals.set(Signals(self.signals.get().0 | signal.0));
        self.wake();
    }

    pub(crate) fn take_signals(&self) -> Signals {
        self.signals.take()
    }

    /// Results that came since the last call, if any did. The vector goes back with `return_inbox`.
    pub(crate) fn take_inbox(&self) -> Option<Vec<Delivery>> {
        let mut inbox = self.inbox.borrow_mut();
        (!inbox.is_empty()).then(|| std::mem::take(&mut *inbox))
    }

    /// Gives the emptied vector back, so that its space is used again; `None` frees it.
    pub(crate) fn return_inbox(&self, inbox: Option<Vec<Delivery>>) {
        self.inbox.replace(inbox.unwrap_or_default());
    }

    pub(crate) fn watch(&self, waker: &Waker) {
        let mut slot = self.waker.borrow_mut();
        match &mut *slot {
            Some(known) => known.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

impl Sink for Peer {
    fn deliver(&self, tag: u64, event: Event) {
        self.inbox.borrow_mut().push(Delivery { tag, event });
        self.wake();
    }
}
