//! What the gateway sends on its own accord, and the stream by which a caller reads it.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use futures_util::Stream;
use serde_json::value::RawValue;

use crate::Error;
use crate::link::Link;
use crate::waiting::{Waiting, lock};

/// A message of the gateway that answers no call, such as `event` or `session.migrate`.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The name, for instance `event`.
    pub method: String,
    /// The params as JSON; `null` where there are none.
    pub params: Box<RawValue>,
    /// The offset in the tenant's event log, for events that stand in it.
    pub seq: Option<u64>,
}

/// A stream of notifications from the moment of [`Client::notifications`](crate::Client::notifications) on.
///
/// Each stream sees every notification, and each event of the log once, over all connections that the client has. It
/// ends when the client does, and keeps the client connected until it is dropped. What is sent while there is no
/// connection is lost, but for events of the log that the session has subscribed to. An item is an error where notifications were dropped because they were not read in time
/// ([`Error::Lagged`]), and for an error of the gateway that belongs to no request ([`Error::Rpc`]).
pub struct Notifications {
    feed: Arc<Feed>,
    // Held, not used: an open stream keeps the client connected.
    _link: Arc<Link>,
}

impl Notifications {
    pub(crate) fn new(feed: Arc<Feed>, link: Arc<Link>) -> Self {
        Self { feed, _link: link }
    }

    /// The next notification; `None` once the client has ended.
    ///
    /// Cancel safe: a dropped future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Notification, Error>> {
        std::future::poll_fn(|context| self.feed.poll(context)).await
    }
}

impl Stream for Notifications {
    type Item = Result<Notification, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.feed.poll(context)
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Notifications").finish_non_exhaustive()
    }
}

/// One reader's queue, bounded in bytes; over the bound the newest are dropped and counted.
pub(crate) struct Feed {
    state: Mutex<State>,
    limit: usize,
}

#[derive(Default)]
struct State {
    items: VecDeque<Result<Notification, Error>>,
    bytes: usize,
    missed: u64,
    ended: bool,
    reader: Waiting,
}

impl Feed {
    pub(crate) fn new(limit: usize) -> Self {
        Self { state: Mutex::default(), limit }
    }

    pub(crate) fn push(&self, item: Result<Notification, Error>) {
        let mut state = self.lock();
        let bytes = state.bytes + weight(&item);
        // Once something was dropped, all that follows is, until the reader has come this far: one gap, in one place.
        if bytes > self.limit || state.missed > 0 {
            state.missed += 1;
        } else {
            state.bytes = bytes;
            state.items.push_back(item);
        }
        state.reader.wake();
    }

    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        state.reader.wake();
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Result<Notification, Error>>> {
        let mut state = self.lock();
        if let Some(item) = state.items.pop_front() {
            state.bytes -= weight(&item);
            return Poll::Ready(Some(item));
        }
        if state.missed > 0 {
            let missed = std::mem::take(&mut state.missed);
            return Poll::Ready(Some(Err(Error::Lagged { missed })));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.reader.watch(context);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn weight(item: &Result<Notification, Error>) -> usize {
    let text = item.as_ref().map_or(0, |it| it.method.len() + it.params.get().len());
    size_of::<Result<Notification, Error>>() + text
}
