//! What the rest of the shard may touch of a connection: it can leave results, raise a signal, and wake it.

use super::desk::Word;
use crate::mcp::{Changed, Note};
use crate::ws::write_head;
use fastwebsockets::OpCode;
use router::{Event, Sink};
use session_store::{Epoch, ResumeToken};
use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::task::Waker;

/// Why a connection was woken, apart from its socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals(u8);

impl Signals {
    /// A clock is due.
    pub(crate) const CLOCK: Self = Self(1);
    /// The pod drains.
    pub(crate) const DRAIN: Self = Self(2);
    /// The session is held elsewhere.
    pub(crate) const TAKEN: Self = Self(4);
    /// The session has to ask whether it is still held here.
    pub(crate) const VERIFY: Self = Self(8);
    /// The connection has to look whether its holder is still recognised.
    pub(crate) const HOLDER: Self = Self(16);
    /// The shard has something for the connection to do.
    pub(crate) const TASK: Self = Self(32);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What is left for a connection's session. A tag is the one that the session gave the call.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// An event of a running call.
    Event { tag: u64, event: Event },
    /// What the journal says of a call.
    Word { tag: u64, word: Word },
    /// A call of the session that runs elsewhere has ended.
    Ended(Box<str>),
    /// What the store said when it was asked whether the session is still held here.
    Verified(Verified),
    /// What is offered by Model Context Protocol has changed.
    Changed(Changed),
    /// News for whoever listens by Model Context Protocol.
    Note(Box<Note>),
}

/// Whether a session is still held where it asked.
#[derive(Debug)]
pub(crate) enum Verified {
    /// It is.
    Held,
    /// It is held elsewhere.
    Taken,
    /// It is held here, under this epoch, and the client needs this token to resume it.
    Restored(Epoch, ResumeToken),
}

/// The outside of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    id: u64,
    key: usize,
    /// The tick that the wheel holds for this connection; 0 for none.
    pub(crate) armed: Cell<u64>,
    /// The number of the latest ping.
    pings: Cell<u32>,
    signals: Cell<Signals>,
    /// More of its output is unsent than its events may add to.
    pub(crate) is_slow: Cell<bool>,
    /// Of the progress of its one call only the latest is kept.
    is_terse: bool,
    /// Where the client of a WebSocket is.
    address: Option<IpAddr>,
    waker: RefCell<Option<Waker>>,
    inbox: RefCell<Vec<Delivery>>,
}

impl Peer {
    pub(crate) fn new(id: u64, key: usize) -> Self {
        Self {
            id,
            key,
            armed: Cell::new(0),
            pings: Cell::new(0),
            signals: Cell::default(),
            is_slow: Cell::new(false),
            is_terse: false,
            address: None,
            waker: RefCell::default(),
            inbox: RefCell::default(),
        }
    }

    /// One that stands for a request alone and has no place in the shard.
    pub(crate) fn of_request() -> Self {
        Self { is_terse: true, ..Self::new(0, usize::MAX) }
    }

    /// One whose client is there.
    pub(crate) fn at(self, address: IpAddr) -> Self {
        Self { address: Some(address), ..self }
    }

    /// Where its client is, if it is that of a WebSocket.
    pub(crate) const fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Tells the connection from every other one of the process; for logs.
    pub(crate) const fn id(&self) -> u64 {
        self.id
    }

    /// Its place in the shard, which another connection may have had.
    pub(crate) const fn key(&self) -> usize {
        self.key
    }

    /// Appends a ping with a number of its own, which comes back in its pong.
    pub(crate) fn write_ping(&self, out: &mut Vec<u8>) -> u32 {
        let number = self.pings.get().wrapping_add(1);
        self.pings.set(number);
        write_head(out, OpCode::Ping, size_of::<u32>());
        out.extend_from_slice(&number.to_be_bytes());
        number
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

    pub(crate) fn deliver_to(&self, delivery: Delivery) {
        let mut inbox = self.inbox.borrow_mut();
        if self.is_terse && is_progress(&delivery) {
            inbox.pop_if(|last| is_progress(last));
        }
        inbox.push(delivery);
        drop(inbox);
        self.wake();
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

impl Sink for Peer {
    fn deliver(&self, tag: u64, event: Event) {
        self.deliver_to(Delivery::Event { tag, event });
    }
}

fn is_progress(delivery: &Delivery) -> bool {
    matches!(delivery, Delivery::Event { event: Event::Progress(_), .. })
}
