//! A question to the store that holds up the conversation: what was sent behind it waits, so that answers come in the
//! order of their requests.

use super::{Close, Exchange, Session};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What is done with the session once the store has answered.
pub(super) type Then = Box<dyn FnOnce(&mut Session, &mut Exchange<'_>) -> Result<(), Close>>;

/// The question that is open.
pub(super) struct Pending(Pin<Box<dyn Future<Output = Then>>>);

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl Session {
    /// Holds the conversation up until `future` is done.
    pub(super) fn wait_for(&mut self, future: impl Future<Output = Then> + 'static) {
        self.pending = Some(Pending(Box::pin(future)));
    }

    /// Whether the conversation is held up.
    pub(crate) const fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Asks whether the store has answered, and goes on if it has.
    pub(crate) fn poll_pending(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
    ) -> Poll<Result<(), Close>> {
        let Some(pending) = &mut self.pending else { return Poll::Ready(Ok(())) };
        match pending.0.as_mut().poll(cx) {
            Poll::Ready(then) => {
                self.pending = None;
                Poll::Ready(then(self, exchange))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Goes on if the store needs no time to answer, as the one in memory: so requests that came together are handled
    /// together. If it needs some, the connection asks again.
    pub(super) fn ask_at_once(&mut self, exchange: &mut Exchange<'_>) -> Result<(), Close> {
        match self.poll_pending(&mut Context::from_waker(Waker::noop()), exchange) {
            Poll::Ready(done) => done,
            Poll::Pending => Ok(()),
        }
    }
}
