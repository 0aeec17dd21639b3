//! What the rest of the shard may touch of a connection: it can leave results, raise a signal, and wake it.

use super::desk::Word;
use crate::mcp::{Changed, Note};
use crate::outcome;
use crate::wheel::Tick;
use crate::ws::write_head;
use fastwebsockets::OpCode;
use router::{Event, Sink};
use session_store::{Epoch, ResumeToken};
use std::cell::Cell;
use std::fmt;
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
pub(crate) struct Peer {
    id: u64,
    /// Where it has no place in the shard, the number of none.
    key: u32,
    /// The tick that the wheel holds for this connection; the start for none.
    pub(crate) armed: Cell<Tick>,
    /// The number of the latest ping.
    pings: Cell<u32>,
    signals: Cell<Signals>,
    /// More of its output is unsent than its events may add to.
    pub(crate) is_slow: Cell<bool>,
    /// Of the progress of its one call only the latest is kept, and of all events only what there is room for.
    is_terse: bool,
    /// Where the client of a WebSocket is.
    address: Option<IpAddr>,
    waker: Cell<Option<Waker>>,
    inbox: Cell<Vec<Delivery>>,
    /// How many bytes of a call's events may wait, and how many do; these are more once the call was given up.
    room: u32,
    waiting: Cell<u32>,
}

impl Peer {
    pub(crate) fn new(id: u64, key: usize) -> Self {
        Self {
            id,
            key: u32::try_from(key).unwrap_or(u32::MAX),
            armed: Cell::default(),
            pings: Cell::new(0),
            signals: Cell::default(),
            is_slow: Cell::new(false),
            is_terse: false,
            address: None,
            waker: Cell::default(),
            inbox: Cell::default(),
            room: u32::MAX,
            waiting: Cell::new(0),
        }
    }

    /// One that stands for a request alone and has no place in the shard.
    pub(crate) fn of_request() -> Self {
        Self { is_terse: true, ..Self::new(0, usize::MAX) }
    }

    /// The same for a call, of whose events no more bytes may wait than these.
    pub(crate) fn of_call(room: usize) -> Self {
        Self { room: u32::try_from(room).unwrap_or(u32::MAX), ..Self::of_request() }
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
        self.key as usize
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
        let inbox = self.inbox.take();
        if inbox.is_empty() {
            self.inbox.set(inbox);
            return None;
        }
        if !self.is_overfull() {
            self.waiting.set(0);
        }
        Some(inbox)
    }

    /// Gives the emptied vector back, so that its space is used again; `None` frees it.
    pub(crate) fn return_inbox(&self, inbox: Option<Vec<Delivery>>) {
        self.inbox.set(inbox.unwrap_or_default());
    }

    pub(crate) fn watch(&self, waker: &Waker) {
        let mut slot = self.waker.take();
        match &mut slot {
            Some(known) => known.clone_from(waker),
            None => slot = Some(waker.clone()),
        }
        self.waker.set(slot);
    }

    pub(crate) fn deliver_to(&self, delivery: Delivery) {
        let mut inbox = self.inbox.take();
        if self.is_terse {
            self.add(delivery, &mut inbox);
        } else {
            inbox.push(delivery);
        }
        self.inbox.set(inbox);
        self.wake();
    }

    /// Adds an event of a call whose client may read slowly: one that there is no room for ends it.
    fn add(&self, delivery: Delivery, inbox: &mut Vec<Delivery>) {
        if self.is_overfull() {
            return;
        }
        if is_progress(&delivery)
            && let Some(last) = inbox.pop_if(|last| is_progress(last))
        {
            self.waiting.set(self.waiting.get().saturating_sub(weight(&last)));
        }
        self.waiting.set(self.waiting.get().saturating_add(weight(&delivery)));
        inbox.push(match delivery {
            Delivery::Event { tag, .. } if self.is_overfull() => {
                Delivery::Event { tag, event: Event::Failed(outcome::unread()) }
            }
            delivery => delivery,
        });
    }

    /// Whether its call was given up, since more of its events waited than there is room for.
    fn is_overfull(&self) -> bool {
        self.waiting.get() > self.room
    }

    pub(crate) fn wake(&self) {
        let waker = self.waker.take();
        if let Some(waker) = &waker {
            waker.wake_by_ref();
        }
        self.waker.set(waker);
    }
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer").field("id", &self.id).field("key", &self.key).finish_non_exhaustive()
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

/// What a delivery takes while it waits. An end comes once, and is bounded by itself.
fn weight(delivery: &Delivery) -> u32 {
    let bytes = match delivery {
        Delivery::Event { event: Event::Partial(part), .. } => part.len(),
        Delivery::Event { event: Event::Progress(progress), .. } => progress.message.len(),
        _ => return 0,
    };
    u32::try_from(size_of::<Delivery>() + bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use protocol::ErrorCode;
    use protocol::pb::Progress;

    fn kinds(peer: &Peer) -> String {
        let told = peer.take_inbox().unwrap_or_default().into_iter().map(|delivery| match delivery {
            Delivery::Event { event: Event::Partial(_), .. } => 'p',
            Delivery::Event { event: Event::Progress(_), .. } => '.',
            Delivery::Event { event: Event::Result(_), .. } => 'r',
            Delivery::Event { event: Event::Failed(failure), .. } if failure.code == ErrorCode::TooLarge => {
                'x'
            }
            other => panic!("{other:?}"),
        });
        told.collect()
    }

    fn deliver(peer: &Peer, kinds: &str) {
        for kind in kinds.chars() {
            let part = Bytes::from_static(&[b'1'; 1_000]);
            peer.deliver(
                0,
                match kind {
                    'p' => Event::Partial(part),
                    '.' => {
                        Event::Progress(Progress { progress: 1.0, total: 2.0, message: "x".repeat(1_000) })
                    }
                    _ => Event::Result(part),
                },
            );
        }
    }

    #[test]
    fn a_call_is_given_up_that_tells_more_than_there_is_room_for() {
        // Room for three.
        let peer = Peer::of_call(4_000);
        for (delivered, heard) in
            [("ppp", "ppp"), (".....pp", ".pp"), ("ppr", "ppr"), ("ppppppr", "pppx"), ("pr", "")]
        {
            deliver(&peer, delivered);
            assert_eq!(kinds(&peer), heard, "{delivered}");
        }
    }

    #[test]
    fn a_connection_bounds_what_waits_by_itself() {
        let peer = Peer::new(1, 0);
        deliver(&peer, "pppppp..r");
        assert_eq!(kinds(&peer), "pppppp..r");
    }
}
