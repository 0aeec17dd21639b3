//! Whether there is a connection, as callers may watch it.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::Stream;
use tokio::sync::watch;

use crate::Error;

/// Where a client stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum State {
    /// A session is open.
    Connected {
        /// The session's id; empty in the modern era of Model Context Protocol, and where a gateway says none.
        session_id: String,
        /// Whether the session outlives this connection.
        resumable: bool,
        /// Whether the session is the one of the connection before.
        resumed: bool,
        /// Whether the resumed session's events go on without a gap.
        recovered: bool,
        /// The number of this connection, from 1.
        connection: u64,
        /// How long the client was without a connection before; zero for the first.
        away: Duration,
    },
    /// The connection was lost, and the client tries to get another. Requests wait.
    Reconnecting {
        /// When the connection was lost.
        since: Instant,
        /// The number of the attempt that comes next, from 1.
        attempt: u32,
        /// Why the connection was lost, or why the attempt before failed.
        reason: Error,
    },
    /// The client has ended, for this reason. Nothing follows.
    Ended(Error),
}

/// A client's [`State`]s from [`Client::states`](crate::Client::states) on, beginning with the one it is in.
///
/// A reader that is late sees the newest state only: [`State::Connected`] tells by its numbers what was missed. It
/// keeps no connection open, and ends after [`State::Ended`].
pub struct States {
    receiver: watch::Receiver<State>,
    stream: Pin<Box<dyn Stream<Item = State> + Send + Sync>>,
}

impl States {
    pub(crate) fn new(receiver: watch::Receiver<State>) -> Self {
        let mut unseen = receiver.clone();
        unseen.mark_changed();
        let all = futures_util::stream::unfold(Some(unseen), |unseen| async {
            let mut unseen = unseen?;
            unseen.changed().await.ok()?;
            let state = unseen.borrow_and_update().clone();
            let more = !matches!(state, State::Ended(_));
            Some((state, more.then_some(unseen)))
        });
        Self { receiver, stream: Box::pin(all) }
    }

    /// The state at this moment.
    pub fn current(&self) -> State {
        self.receiver.borrow().clone()
    }

    /// The next state; at first the one that the client is in. `None` after [`State::Ended`].
    ///
    /// Cancel safe: a dropped future loses nothing.
    pub async fn next(&mut self) -> Option<State> {
        std::future::poll_fn(|context| self.stream.as_mut().poll_next(context)).await
    }
}

impl Stream for States {
    type Item = State;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<State>> {
        self.stream.as_mut().poll_next(context)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("States").field("current", &*self.receiver.borrow()).finish_non_exhaustive()
    }
}
