//! A question to the store that holds up the conversation: what was sent behind it waits, so that answers come in the
//! order of their requests.

use super::{Close, Exchange, Session};
use metrics::trace::{Open, Scope};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// What is done with the session once the store has answered.
pub(super) type Then = Box<dyn FnOnce(&mut Session, &mut Exchange<'_>) -> Result<(), Close>>;

/// The question that is open.
pub(super) struct Pending {
    question: Pin<Box<dyn Future<Output = Then>>>,
    /// The message that asks, and its method.
    span: Option<Box<(Open, &'static str)>>,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl Session {
    /// Holds the conversation up until `future` is done.
    pub(super) fn wait_for(&mut self, future: impl Future<Output = Then> + 'static) {
        self.pending = Some(Pending { question: Box::pin(future), span: None });
    }

    /// The open question is asked for this message, whose span ends with it.
    pub(super) fn ask_for(&mut self, open: Open, method: &'static str, exchange: &Exchange<'_>) {
        if let Some(pending) = &mut self.pending {
            pending.span = Some(Box::new((open, method)));
            if open.is_sampled() {
                let asked = std::mem::replace(&mut pending.question, Box::pin(std::future::pending()));
                pending.question = Box::pin(Scope::new(&exchange.shard.pod.tracer, &open, asked));
            }
        }
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
        match pending.question.as_mut().poll(cx) {
            Poll::Ready(then) => {
                let span = self.pending.take().and_then(|pending| pending.span);
                exchange.failed.set(None);
                let done = then(self, exchange);
                if let Some((open, method)) = span.map(|span| *span) {
                    exchange.end_span(open, method);
                }
                Poll::Ready(done)
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
