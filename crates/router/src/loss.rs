//! What becomes of the calls of a connection that is gone: those not sent move on, those that may be
//! repeated are, once, and the rest fail at once.
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::answer::Verdict;
use crate::core::Core;
use crate::link::{Link, State};
use crate::outbox::{Outbox, Outgoing};
use crate::{Event, Failure};

/// Why a connection ended, and whether its calls may be the reason.
#[derive(Debug)]
pub(crate) struct Loss {
    pub reason: String,
    /// False if one of the calls broke it: sending them elsewhere would break that as well.
    pub innocent: bool,
}

impl Loss {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), innocent: true }
    }
}

impl Core {
    /// The link has no connection any more, or could not be dialled.
    pub(crate) fn lost(self: &Rc<Self>, link: &Rc<Link>, loss: &Loss) {
        if link.state.get() == State::Closed {
            return;
        }
        let was_up = link.state.replace(State::Down) == State::Up;
        *link.channel.borrow_mut() = None;
        let unsent = link.outbox.replace(Outbox::default()).close();
        if was_up {
            self.count(|stats| stats.links_lost += 1);
        }
        for outgoing in unsent {
            if let Outgoing::Call { call_id, body, .. } = outgoing {
                self.reroute(link, call_id, body);
            }
        }
        let sent = self.calls.borrow().on_stream_of(link.id);
        for key in sent {
            self.lost_call(key, loss);
        }
    }

    /// Moves a call of which nothing was sent to another replica, or fails it.
    pub(crate) fn reroute(self: &Rc<Self>, link: &Rc<Link>, wire_id: u64, body: Bytes) {
        let now = Instant::now();
        let mut calls = self.calls.borrow_mut();
        let Some((place, call)) = calls.by_wire(wire_id) else {
            return;
        };
        let chosen =
            self.current(&call.handler).and_then(|handler| self.choose(&handler, Some(link.id), now));
        match chosen {
            Ok(other) => {
                call.link = None;
                call.task = None;
                let wire_id = calls.renew(place);
                drop(calls);
                link.judge.borrow_mut().neutral();
                link.leave();
                self.count(|stats| stats.rerouted += 1);
                self.hand_over(wire_id, &other, body, now);
            }
            Err(failure) => {
                drop(calls);
                self.end(place, Event::Failed(failure), Verdict::Neutral);
            }
        }
    }

    /// A call that was sent, or may have been, on a connection that is gone.
    pub(crate) fn lost_call(&self, key: u64, loss: &Loss) {
        let now = Instant::now();
        let mut calls = self.calls.borrow_mut();
        let Some((place, call)) = calls.by_key(key) else {
            return;
        };
        let except = call.link.as_ref().map(|link| link.id);
        let may_retry = loss.innocent
            && !call.body.is_empty()
            && !call.partial
            && !call.retried
            && self.current(&call.handler).is_ok_and(|handler| self.choose(&handler, except, now).is_ok())
            && self.budget.borrow_mut().take(now);
        if !may_retry {
            let failure = Failure::lost(&call.handler.backend, &loss.reason);
            drop(calls);
            return self.end(place, Event::Failed(failure), Verdict::Neutral);
        }
        call.retried = true;
        call.streamed = 0;
        call.task = None;
        let left = call.link.take();
        let jitter = self.random.borrow_mut().below(self.options.borrow().retry_jitter_ms + 1);
        let at = (now + Duration::from_millis(jitter)).min(call.deadline);
        calls.renew(place);
        let due = calls.schedule(place, at, now);
        drop(calls);
        self.timer.expect(due);
        if let Some(link) = left {
            link.judge.borrow_mut().neutral();
            link.leave();
        }
    }

    /// Sends a call that waited for its second attempt.
    pub(crate) fn retry(self: &Rc<Self>, place: usize, key: u64, now: Instant) {
        let mut calls = self.calls.borrow_mut();
        let Some((_, call)) = calls.by_key(key) else {
            return;
        };
        let chosen = self.current(&call.handler).and_then(|handler| self.choose(&handler, None, now));
        match chosen {
            Ok(link) => {
                let (wire_id, body, deadline) = (call.wire_id, call.body.clone(), call.deadline);
                let due = calls.schedule(place, deadline, now);
                drop(calls);
                self.timer.expect(due);
                self.count(|stats| stats.retried += 1);
                self.hand_over(wire_id, &link, body, now);
            }
            Err(failure) => {
                drop(calls);
                self.end(place, Event::Failed(failure), Verdict::Neutral);
            }
        }
    }
}
