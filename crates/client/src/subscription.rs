//! A caller's end of a subscription: the stream by which its events are read.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;

use crate::link::Link;
use crate::queue::Queue;
use crate::{Error, Event};

/// A stream of the events that [`Client::subscribe`](crate::Client::subscribe) chose, in the order of the log, each
/// once, over all connections that the client has.
///
/// An item is an error where the stream is not whole or not sure to be: [`Error::Gap`] where events are missing, any
/// other where the gateway refused to go on with the subscription on a later connection. The stream goes on behind
/// both. When the client ends for another reason than [`Client::close`](crate::Client::close) that is the last item.
///
/// It has to be read. What waits is bounded by [`Builder::unread_limit`](crate::Builder::unread_limit), and nothing is
/// dropped: at the bound the client stops reading from the connection, so that answers wait too. Read it in a task of
/// its own, or never wait for an answer before it. A gateway that is held back for long drops the connection, and the
/// next one goes on behind the last event that was taken in. Dropping it ends the subscription; until then it keeps the
/// client connected.
pub struct Subscription {
    queue: Arc<Queue>,
    link: Arc<Link>,
}

impl Subscription {
    pub(crate) fn new(queue: Arc<Queue>, link: Arc<Link>) -> Self {
        Self { queue, link }
    }

    /// The names and prefixes that were subscribed to.
    pub fn names(&self) -> &[String] {
        &self.queue.names
    }

    /// The next event; `None` once the client has ended.
    ///
    /// Cancel safe: a dropped future loses nothing.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Option<Result<Event, Error>>> {
        let polled = self.queue.poll(context);
        if polled.is_ready() {
            self.link.shared.events.relieve();
        }
        polled
    }
}

impl Stream for Subscription {
    type Item = Result<Event, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.link.shared.unsubscribe(&self.queue);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Subscription").field("names", &self.queue.names).finish_non_exhaustive()
    }
}
