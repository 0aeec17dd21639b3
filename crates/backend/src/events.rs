//! The stream of events that a gRPC response carries. Dropping it tells whoever feeds it.
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use protocol::pb::{CallEvent, call_event::Event};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Events that may wait for the transport on one stream.
const QUEUED_EVENTS: usize = 256;

pub(crate) enum Outgoing {
    Event(CallEvent),
    /// Nothing follows, though handlers' children may still hold a way to send.
    End,
    Broken(Status),
}

pub(crate) struct Events {
    queue: mpsc::Receiver<Outgoing>,
    ends_with_first_call: bool,
    ended: bool,
    gone: CancellationToken,
}

/// A stream of events, what feeds it, and a token that fires if the stream is dropped before its end.
pub(crate) fn events(ends_with_first_call: bool) -> (Events, mpsc::Sender<Outgoing>, CancellationToken) {
    let (sender, queue) = mpsc::channel(QUEUED_EVENTS);
    let gone = CancellationToken::new();
    (Events { queue, ends_with_first_call, ended: false, gone: gone.clone() }, sender, gone)
}

impl Stream for Events {
    type Item = Result<CallEvent, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match ready!(self.queue.poll_recv(cx)) {
            Some(Outgoing::Event(event)) => {
                let last = matches!(event.event, Some(Event::Result(_) | Event::Error(_)));
                self.ended = self.ends_with_first_call && last;
                Poll::Ready(Some(Ok(event)))
            }
            Some(Outgoing::Broken(status)) => {
                self.ended = true;
                Poll::Ready(Some(Err(status)))
            }
            Some(Outgoing::End) | None => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if !self.ended {
            self.gone.cancel();
        }
    }
}
