//! What the writer owes the peer of one connection beside the requests, and whether requests may go. Whoever asks for
//! something never waits: each kind is bounded by itself, and frames by the reader, which takes nothing more that they answer.

use std::sync::Mutex;

use tokio::sync::Notify;

use crate::waiting::lock;
use crate::wire::Outbound;

/// As many answers to the gateway's own pings wait; the oldest gives way.
const PONGS_KEPT: usize = 16;

/// As many frames may wait before nothing more is read from a peer that reads none.
const FRAMES: usize = 1024;

#[derive(Default)]
pub(crate) struct Control {
    duties: Mutex<Duties>,
    called: Notify,
    /// Woken when what is owed is being written.
    taken: Notify,
    /// Woken when new requests are to be held back.
    held: Notify,
}

/// Whether requests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gate {
    /// The session is not open yet.
    #[default]
    Shut,
    /// They are.
    Open,
    /// The gateway reads none any more; they wait for the next connection.
    Held,
}

/// What is to be written next.
#[derive(Default)]
pub(crate) struct Duties {
    pub(crate) gate: Gate,
    /// What goes before all that waits, whatever the gate.
    pub(crate) frames: Vec<Outbound>,
    /// Ids of pings of the message format, as JSON tokens.
    pub(crate) pongs: Vec<String>,
    /// The payload of the latest WebSocket ping: RFC 6455 lets a peer answer only that one.
    pub(crate) pong: Option<Vec<u8>>,
    /// A WebSocket ping is due.
    pub(crate) ping: bool,
    /// The close frame, after which nothing is written.
    pub(crate) close: Option<(u16, String)>,
}

impl Control {
    /// Forgets what the connection before was owed.
    pub(crate) fn renew(&self) {
        self.ask(|duties| *duties = Duties::default());
    }

    /// Asks for these frames at once.
    pub(crate) fn send(&self, frames: impl IntoIterator<Item = Outbound>) {
        self.ask(|duties| duties.frames.extend(frames));
    }

    /// Requests may go, behind these frames.
    pub(crate) fn open(&self, frames: impl IntoIterator<Item = Outbound>) {
        self.ask(|duties| {
            duties.frames.extend(frames);
            // A gateway that drains may have said so already.
            if duties.gate == Gate::Shut {
                duties.gate = Gate::Open;
            }
        });
    }

    /// Requests may not go any more.
    pub(crate) fn hold(&self) {
        self.ask(|duties| duties.gate = Gate::Held);
        self.held.notify_one();
    }

    /// Returns once new requests are held back on this connection. Cancel safe.
    pub(crate) async fn held(&self) {
        while lock(&self.duties).gate != Gate::Held {
            self.held.notified().await;
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        lock(&self.duties).gate == Gate::Open
    }

    /// There is something beside the queue.
    pub(crate) fn nudge(&self) {
        self.called.notify_one();
    }

    pub(crate) fn answer_ping(&self, id: String) {
        self.ask(|duties| {
            if duties.pongs.len() == PONGS_KEPT {
                duties.pongs.remove(0);
            }
            duties.pongs.push(id);
        });
    }

    pub(crate) fn pong(&self, payload: Vec<u8>) {
        self.ask(|duties| duties.pong = Some(payload));
    }

    pub(crate) fn ping(&self) {
        self.ask(|duties| duties.ping = true);
    }

    /// Asks for a close frame; the first one counts.
    pub(crate) fn close(&self, code: u16, reason: &str) {
        self.ask(|duties| {
            duties.close.get_or_insert_with(|| (code, reason.to_owned()));
        });
    }

    /// Returns once something was asked since the last call. Cancel safe.
    pub(crate) async fn called(&self) {
        self.called.notified().await;
    }

    /// Returns once not too many frames wait. Cancel safe.
    pub(crate) async fn room(&self) {
        while lock(&self.duties).frames.len() >= FRAMES {
            self.taken.notified().await;
        }
    }

    pub(crate) fn take(&self) -> Duties {
        let mut duties = lock(&self.duties);
        if !duties.frames.is_empty() {
            self.taken.notify_one();
        }
        let gate = duties.gate;
        std::mem::replace(&mut *duties, Duties { gate, ..Duties::default() })
    }

    fn ask(&self, change: impl FnOnce(&mut Duties)) {
        change(&mut lock(&self.duties));
        self.called.notify_one();
    }
}
