//! What the task and the handles of one client share, over all its connections. Does no I/O.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use serde_json::json;
use tokio::sync::{SetOnce, watch};

use crate::calls::{Abandoned, Calls, Question, Role};
use crate::control::Control;
use crate::events::Events;
use crate::inbox::Inbox;
use crate::mcp;
use crate::notification::Feed;
use crate::queue::Queue;
use crate::signer::{Key, Signer};
use crate::ticket::Ticket;
use crate::token::Token;
use crate::waiting::lock;
use crate::wire::{Outbound, Wire};
use crate::{Error, Notification, Request, Session, State};

pub(crate) struct Shared {
    pub(crate) wire: Wire,
    pub(crate) token: Token,
    /// Bytes of updates, notifications or events that may wait for one reader.
    pub(crate) unread_limit: usize,
    /// Whether a request outlives its connection.
    pub(crate) reconnects: bool,
    pub(crate) calls: Calls,
    pub(crate) events: Events,
    pub(crate) control: Control,
    /// What servers of Model Context Protocol ask of the client.
    pub(crate) questions: mcp::Desk,
    pub(crate) state: watch::Sender<State>,
    /// Set when the client is to end; the connection then closes with 1000.
    pub(crate) quit: SetOnce<()>,
    /// Set when nothing can be sent or received any more.
    pub(crate) ended: SetOnce<Error>,
    /// Whether nothing is to be sent that is not signed.
    must_sign: bool,
    /// Signs what is sent on this connection, if the gateway gave a key for it.
    signer: Mutex<Option<Signer>>,
    /// The largest message in bytes that the gateway takes.
    sendable: AtomicUsize,
    ticket: Mutex<Option<Ticket>>,
    session: Mutex<Arc<Session>>,
    feeds: Mutex<Feeds>,
}

#[derive(Default)]
struct Feeds {
    all: Vec<Weak<Feed>>,
    ended: bool,
}

impl Shared {
    pub(crate) fn new(
        wire: Wire,
        token: Token,
        unread_limit: usize,
        reconnects: bool,
        must_sign: bool,
    ) -> Self {
        let nowhere = State::Ended(Error::abnormal("there was no connection yet"));
        Self {
            wire,
            token,
            unread_limit,
            reconnects,
            calls: Calls::default(),
            events: Events::default(),
            control: Control::default(),
            questions: mcp::Desk::default(),
            state: watch::Sender::new(nowhere),
            quit: SetOnce::new(),
            ended: SetOnce::new(),
            must_sign,
            signer: Mutex::default(),
            sendable: AtomicUsize::new(usize::MAX),
            ticket: Mutex::default(),
            session: Mutex::new(Arc::new(Session::unopened())),
            feeds: Mutex::default(),
        }
    }

    pub(crate) fn inbox(&self) -> Arc<Inbox> {
        Arc::new(Inbox::new(self.unread_limit))
    }

    /// Sends a request past the queue.
    pub(crate) fn errand(&self, request: Request, role: Role) -> Result<(u64, Arc<Inbox>), Error> {
        let inbox = self.inbox();
        let id = self.calls.errand(request, role, Arc::clone(&inbox))?;
        self.control.nudge();
        Ok((id, inbox))
    }

    /// Sends a request before all others, on this connection only.
    pub(crate) fn ahead(&self, request: Request, role: Role) -> Result<Arc<Inbox>, Error> {
        let inbox = self.inbox();
        let id = self.calls.ids(1).start;
        self.calls.enter(id, Question::Request(Arc::new(request)), role, Arc::clone(&inbox))?;
        let mut due = Vec::new();
        self.calls.claim(id..id + 1, &mut due);
        self.control.send([self.wire.requests(&due)]);
        Ok(inbox)
    }

    /// Ends a call on this side, and asks for its end on the other.
    pub(crate) fn abandon(&self, id: u64) {
        if self.calls.abandon(id) == Abandoned::Quietly {
            return;
        }
        if self.wire.mcp.is_some() {
            self.calls.cancel(id);
            self.control.nudge();
        } else if let Ok(request) = Request::new("tool.cancel", json!({ "id": id })) {
            // Only a client that has ended refuses, and there is nothing to cancel then.
            let _ = self.errand(request, Role::Cancel(id));
        }
    }

    /// Ends a subscription, and at the gateway that to the names that no other has.
    pub(crate) fn unsubscribe(&self, queue: &Arc<Queue>) {
        self.events.remove(queue, |names| {
            if let Ok(request) = Request::new("event.unsubscribe", json!({ "names": names })) {
                // Only a client that has ended refuses, and has no subscriptions then.
                let _ = self.errand(request, Role::Caller);
            }
        });
    }

    pub(crate) fn listen(&self, feed: &Arc<Feed>) {
        let mut feeds = lock(&self.feeds);
        if feeds.ended {
            feed.end();
            return;
        }
        feeds.all.retain(|feed| feed.strong_count() > 0);
        feeds.all.push(Arc::downgrade(feed));
    }

    pub(crate) fn publish(&self, item: &Result<Notification, Error>) {
        let feeds: Vec<_> = lock(&self.feeds).all.iter().filter_map(Weak::upgrade).collect();
        for feed in feeds {
            feed.push(item.clone());
        }
    }

    pub(crate) fn ticket(&self) -> MutexGuard<'_, Option<Ticket>> {
        lock(&self.ticket)
    }

    /// The session of the newest connection.
    pub(crate) fn session(&self) -> Arc<Session> {
        Arc::clone(&lock(&self.session))
    }

    pub(crate) fn set_session(&self, session: Session) {
        let limit = session.limit("max_message_size").unwrap_or(usize::MAX);
        self.sendable.store(limit.saturating_sub(session.overhead()), Ordering::Relaxed);
        *lock(&self.session) = Arc::new(session);
    }

    /// Forgets the connection before: what is sent on the next is not signed until there is a key.
    pub(crate) fn renew(&self) {
        *lock(&self.signer) = None;
        self.questions.clear();
        self.control.renew();
    }

    /// From now on what is sent is signed, if there is a key.
    ///
    /// # Errors
    /// There is none and has to be one, or it is not understood.
    pub(crate) fn sign_with(&self, key: Option<&Key>) -> Result<(), Error> {
        if key.is_none() && self.must_sign {
            let reason = "messages are to be signed, and the gateway gave no key for it";
            return Err(Error::Protocol(reason.to_owned()));
        }
        let signer = key.map(|key| Signer::new(key, self.wire.format)).transpose()?;
        *lock(&self.signer) = signer;
        Ok(())
    }

    /// A frame as it is sent: signed, if it has messages and there is a key.
    pub(crate) fn seal(&self, frame: Outbound) -> Outbound {
        match &*lock(&self.signer) {
            Some(signer) if frame.has_messages() => {
                let payload = signer.sign(&frame.payload, self.calls.ids(1).start);
                Outbound { payload, ..frame }
            }
            _ => frame,
        }
    }

    /// Refuses what the gateway would close the connection for.
    pub(crate) fn check_size(&self, size: usize) -> Result<(), Error> {
        let limit = self.sendable.load(Ordering::Relaxed);
        if size > limit {
            return Err(Error::Unsendable(format!(
                "a message of {size} bytes, and the gateway takes {limit}"
            )));
        }
        Ok(())
    }

    /// Asks for the end of a session that would outlive its connection, if the gateway reads.
    pub(crate) fn part(&self) -> Option<Arc<Inbox>> {
        // A session of Model Context Protocol ends with a connection that is closed.
        if self.ticket().is_none() || !self.control.is_open() || self.wire.mcp.is_some() {
            return None;
        }
        let request = Request::new("session.close", ()).ok()?;
        self.errand(request, Role::Passing).ok().map(|(_, answer)| answer)
    }

    /// Ends the client: its connection, if there is one, closes with 1000.
    pub(crate) fn quit(&self) {
        // Whoever asks second wants the same.
        let _ = self.quit.set(());
    }

    /// Why the client has ended, if it has.
    pub(crate) fn reason(&self) -> Error {
        self.ended.get().cloned().unwrap_or_else(|| Error::abnormal("the connection is closing"))
    }

    /// What belongs to the connection that was lost ends with it.
    pub(crate) fn lost(&self, error: &Error) {
        self.control.renew();
        for entry in self.calls.take_passing() {
            entry.inbox.settle(Err(error.clone()));
        }
    }

    /// Ends everything that waits; the first reason counts.
    pub(crate) fn end(&self, error: Error) {
        if self.ended.set(error.clone()).is_err() {
            return;
        }
        for entry in self.calls.end(&error) {
            entry.inbox.settle(Err(error.clone()));
        }
        let closed = self.quit.get().is_some() || matches!(error, Error::Closed { code: 1000, .. });
        self.events.end(Some(&error).filter(|_| !closed));
        let feeds = {
            let mut feeds = lock(&self.feeds);
            feeds.ended = true;
            std::mem::take(&mut feeds.all)
        };
        for feed in feeds.iter().filter_map(Weak::upgrade) {
            feed.end();
        }
        self.state.send_replace(State::Ended(error));
    }
}
