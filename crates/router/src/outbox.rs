//! What waits to be written to one backend connection, and which of it has not been: a call that is
//! still here was never sent.
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::stream::Stream;
use tokio::time::Instant;

/// One CallRequest on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    Call { call_id: u64, deadline: Instant, body: Bytes },
    Cancel { call_id: u64 },
}

/// The near end: calls go in. It holds at most one entry for each call in flight and one for each
/// cancel of a call that was sent, so the limit of calls bounds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Mutex<Queue>>);

/// The far end, which the connection takes from. Ends when the outbox is closed.
#[derive(Debug)]
pub(crate) struct Requests(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Outgoing>,
    taker: Option<Waker>,
    closed: bool,
}

impl Outbox {
    /// Appends a call.
    pub(crate) fn call(&self, call_id: u64, deadline: Instant, body: Bytes) {
        self.push(Outgoing::Call { call_id, deadline, body });
    }

    /// Takes a call back that was not sent, or else sends a cancel after it.
    pub(crate) fn cancel(&self, call_id: u64) {
        let mut queue = lock(&self.0);
        let unsent = queue.waiting.iter().position(
            |waiting| matches!(waiting, Outgoing::Call { call_id: unsent, .. } if *unsent == call_id),
        );
        match unsent {
            Some(place) => {
                queue.waiting.remove(place);
            }
            None => {
                drop(queue);
                self.push(Outgoing::Cancel { call_id });
            }
        }
    }

    /// Ends the far end and gives back what was not sent.
    pub(crate) fn close(&self) -> VecDeque<Outgoing> {
        let mut queue = lock(&self.0);
        queue.closed = true;
        let unsent = std::mem::take(&mut queue.waiting);
        let taker = queue.taker.take();
        drop(queue);
        if let Some(taker) = taker {
            taker.wake();
        }
        unsent
    }

    /// The far end. There should be one.
    pub(crate) fn requests(&self) -> Requests {
        Requests(Arc::clone(&self.0))
    }

    fn push(&self, outgoing: Outgoing) {
        let mut queue = lock(&self.0);
        if queue.closed {
            return;
        }
        queue.waiting.push_back(outgoing);
        let taker = queue.taker.take();
        drop(queue);
        if let Some(taker) = taker {
            taker.wake();
        }
    }
}

impl Stream for Requests {
    type Item = Outgoing;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let mut queue = lock(&self.0);
        match queue.waiting.pop_front() {
            Some(outgoing) => Poll::Ready(Some(outgoing)),
            None if queue.closed => Poll::Ready(None),
            None => {
                queue.taker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Both ends live on one thread, so nobody ever waits here.
fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, StreamExt};

    use super::*;

    fn outbox(ids: &[u64]) -> Outbox {
        let outbox = Outbox::default();
        for id in ids {
            outbox.call(*id, Instant::now(), Bytes::new());
        }
        outbox
    }

    fn id(outgoing: &Outgoing) -> (u64, bool) {
        match outgoing {
            Outgoing::Call { call_id, .. } => (*call_id, false),
            Outgoing::Cancel { call_id } => (*call_id, true),
        }
    }

    #[tokio::test]
    async fn a_call_cancelled_before_it_was_taken_is_never_sent() {
        let outbox = outbox(&[1, 2, 3]);
        outbox.cancel(2);
        let mut requests = outbox.requests();
        assert_eq!(requests.next().await.as_ref().map(id), Some((1, false)));
        assert_eq!(requests.next().await.as_ref().map(id), Some((3, false)));
        assert!(requests.next().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_call_cancelled_after_it_was_taken_is_followed_by_a_cancel() {
        let outbox = outbox(&[1]);
        let mut requests = outbox.requests();
        requests.next().await.expect("the call is there");
        outbox.cancel(1);
        assert_eq!(requests.next().await.as_ref().map(id), Some((1, true)));
    }

    #[tokio::test]
    async fn closing_gives_back_what_was_not_taken_and_ends_the_far_end() {
        let outbox = outbox(&[1, 2]);
        let mut requests = outbox.requests();
        requests.next().await.expect("the call is there");
        assert_eq!(outbox.close().iter().map(id).collect::<Vec<_>>(), [(2, false)]);
        assert_eq!(requests.next().await, None);
        outbox.call(3, Instant::now(), Bytes::new());
        assert_eq!(requests.next().await, None);
    }

    #[tokio::test]
    async fn a_waiting_far_end_is_woken() {
        let outbox = Outbox::default();
        let mut requests = outbox.requests();
        let (taken, ()) = tokio::join!(requests.next(), async { outbox.cancel(9) });
        assert_eq!(taken.as_ref().map(id), Some((9, true)));
    }
}
