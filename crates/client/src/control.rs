//! What the writer owes the peer beside the queued messages: pongs, cancels, a ping, the close frame. Each kind is
//! bounded by itself, so that whoever asks for one never waits.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

/// As many answers to the gateway's own pings wait; the oldest gives way.
const PONGS_KEPT: usize = 16;

#[derive(Default)]
pub(crate) struct Control {
    duties: Mutex<Duties>,
    called: Notify,
}

/// What is to be written next.
#[derive(Default)]
pub(crate) struct Duties {
    /// Requests to cancel; there are never more of them than calls in flight.
    pub(crate) cancels: Vec<u64>,
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
    pub(crate) fn cancel(&self, id: u64) {
        self.ask(|duties| duties.cancels.push(id));
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

    pub(crate) fn take(&self) -> Duties {
        std::mem::take(&mut *self.duties.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn ask(&self, change: impl FnOnce(&mut Duties)) {
        change(&mut self.duties.lock().unwrap_or_else(PoisonError::into_inner));
        self.called.notify_one();
    }
}
