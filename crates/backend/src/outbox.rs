//! The way back to the caller: events of one call, in order, with backpressure, and none after its end.
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use protocol::pb::{self, CallEvent, call_event::Event};
use tokio::sync::mpsc;

use crate::Failure;
use crate::events::Outgoing;
use crate::memory::Remembered;

/// What an event's own fields may add to its payload.
const EVENT_OVERHEAD: usize = 64;

pub(crate) struct Outbox {
    call_id: u64,
    outgoing: mpsc::Sender<Outgoing>,
    max_message_size: usize,
    /// Where events go instead, if the call outlives its stream.
    remembered: Option<Arc<Remembered>>,
    /// Held while an event is queued, so that none can slip in behind the last one.
    ended: Mutex<bool>,
}

impl Outbox {
    pub(crate) fn new(call_id: u64, outgoing: mpsc::Sender<Outgoing>, max_message_size: usize) -> Self {
        Self { call_id, outgoing, max_message_size, remembered: None, ended: Mutex::new(false) }
    }

    /// The same for a call that outlives its stream.
    pub(crate) fn remembered(self, remembered: Option<Arc<Remembered>>) -> Self {
        Self { remembered, ..self }
    }

    /// The payload, if an event that carries it is within the message limit.
    pub(crate) fn fitting(&self, payload: Bytes) -> Result<Bytes, Failure> {
        let limit = self.max_message_size - EVENT_OVERHEAD;
        if payload.len() <= limit {
            return Ok(payload);
        }
        Err(Failure::too_large(format!("the result has {} bytes; the limit is {limit}", payload.len())))
    }

    /// Queues an event that does not end the call; drops it if the call has ended or the stream is gone.
    pub(crate) async fn send(&self, event: Event) {
        self.queue(event, false).await;
    }

    /// Queues the event that ends the call; nothing follows it.
    pub(crate) async fn end(&self, result: Result<Bytes, Failure>) {
        let event = match result.and_then(|result| self.fitting(result)) {
            Ok(result) => Event::Result(result),
            Err(failure) => Event::Error(self.fitting_error(failure)),
        };
        self.queue(event, true).await;
    }

    /// The error, within the message limit: one over it is without its details, and its message no longer than that.
    fn fitting_error(&self, failure: Failure) -> pb::Error {
        let limit = self.max_message_size - EVENT_OVERHEAD;
        let mut error = failure.into_error();
        let bytes = error.message.len() + error.details.len();
        if bytes > limit {
            tracing::warn!(
                code = error.code,
                bytes,
                limit,
                "an error over the limit goes without its details"
            );
            error.details = Bytes::new();
            error.message.truncate(error.message.floor_char_boundary(limit));
        }
        error
    }

    async fn queue(&self, event: Event, last: bool) {
        match &self.remembered {
            Some(remembered) => {
                if let Some((call_id, outgoing)) = remembered.way(&event) {
                    self.queue_at(call_id, &outgoing, event, last).await;
                }
            }
            None => self.queue_at(self.call_id, &self.outgoing, event, last).await,
        }
    }

    async fn queue_at(&self, call_id: u64, outgoing: &mpsc::Sender<Outgoing>, event: Event, last: bool) {
        // Most often there is room, and waiting for it is not free.
        let place = match outgoing.try_reserve() {
            Ok(place) => place,
            Err(mpsc::error::TrySendError::Closed(())) => return,
            Err(mpsc::error::TrySendError::Full(())) => match outgoing.reserve().await {
                Ok(place) => place,
                Err(_) => return,
            },
        };
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ended {
            *ended = last;
            place.send(Outgoing::Event(CallEvent { call_id, event: Some(event) }));
        }
    }
}
