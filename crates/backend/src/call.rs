//! One call as its handler sees it: who asks, what for, until when, and a way to report back.
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use protocol::pb;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::outbox::Outbox;
use crate::publisher::Key;
use crate::{Answer, Error, Failure, Published, Publisher};

/// One call. Cheap to clone; clones may outlive the call, whatever they report after its end is dropped.
#[derive(Clone)]
pub struct Call(Arc<Inner>);

struct Inner {
    request: pb::CallRequest,
    deadline: Option<Instant>,
    cancel: CancellationToken,
    outbox: Outbox,
    publisher: Publisher,
    /// How many events of each name were published.
    published: Mutex<HashMap<String, u64>>,
}

impl Call {
    /// The deadline counts from here.
    pub(crate) fn new(
        request: pb::CallRequest,
        cancel: CancellationToken,
        outbox: Outbox,
        publisher: Publisher,
    ) -> Self {
        let timeout = Duration::from_millis(request.timeout_ms.into());
        let deadline = (!timeout.is_zero()).then(|| Instant::now() + timeout);
        let published = Mutex::default();
        Self(Arc::new(Inner { request, deadline, cancel, outbox, publisher, published }))
    }

    /// The method: `tool.execute`, or a method of the backend's own.
    pub fn method(&self) -> &str {
        &self.0.request.method
    }

    /// The tool's name; empty where the method is not `tool.execute`.
    pub fn tool(&self) -> &str {
        &self.0.request.tool
    }

    /// The params as JSON text; empty if the caller gave none.
    pub fn params(&self) -> &Bytes {
        &self.0.request.params
    }

    /// The tenant that the caller belongs to.
    pub fn tenant(&self) -> &str {
        self.0.request.identity.as_ref().map_or("", |identity| &identity.tenant)
    }

    /// The agent that calls.
    pub fn agent(&self) -> &str {
        self.0.request.identity.as_ref().map_or("", |identity| &identity.agent)
    }

    /// The scopes that the caller's token holds.
    pub fn scopes(&self) -> &[String] {
        self.0.request.identity.as_ref().map_or(&[], |identity| &identity.scopes)
    }

    /// The session that the call belongs to; empty if there is none.
    pub fn session_id(&self) -> &str {
        &self.0.request.session_id
    }

    /// The same for every attempt at one request; empty if there is none.
    pub fn idempotency_key(&self) -> &str {
        &self.0.request.idempotency_key
    }

    /// W3C trace context; empty if there is none.
    pub fn traceparent(&self) -> &str {
        &self.0.request.traceparent
    }

    /// The vendors' part of the W3C trace context; empty if there is none.
    pub fn tracestate(&self) -> &str {
        &self.0.request.tracestate
    }

    /// When the call is dropped; `None` if it may take any time.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Tells the caller how far the call is. Waits while the gateway is slow to take it.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent.
    pub async fn progress(&self, done: f64, total: impl Into<Option<f64>>, message: impl Into<String>) {
        let total = total.into().unwrap_or_default();
        let progress = pb::Progress { progress: done, total, message: message.into() };
        self.0.outbox.send(pb::call_event::Event::Progress(progress)).await;
    }

    /// Sends a part of the result ahead of its end; parts arrive in order. Waits while the gateway is slow to
    /// take it.
    ///
    /// # Errors
    /// The value has no JSON form, or is over the message limit.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, nothing was sent.
    pub async fn partial(&self, value: impl Answer) -> Result<(), Failure> {
        let value = self.0.outbox.fitting(value.into_json()?)?;
        self.0.outbox.send(pb::call_event::Event::Partial(value)).await;
        Ok(())
    }

    /// Publishes an event to the tenant of the caller: whoever has subscribed to its name gets it. A call that is
    /// executed again, with the same [`Call::idempotency_key`] and within ten minutes, publishes what it has
    /// published no second time: its events of one name are told apart by their order alone.
    ///
    /// # Errors
    /// As [`Publisher::publish`]. As a [`Failure`] they are 4009 if the event log is out of reach, and 4003 else.
    ///
    /// # Cancel safety
    /// Dropped before it is ready, the event may or may not have been published.
    pub async fn publish(&self, name: &str, data: impl Answer) -> Result<Published, Error> {
        let key = match self.idempotency_key() {
            "" => Key::Fresh,
            call => Key::Call { call, nth: self.count(name) },
        };
        self.0.publisher.send(self.tenant(), name, data, key).await
    }

    /// How many events of this name the call has published before.
    fn count(&self, name: &str) -> u64 {
        let mut published = self.0.published.lock().unwrap_or_else(PoisonError::into_inner);
        let count = published.entry(name.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    /// Ready once the call was cancelled, its deadline passed or its stream was dropped. The handler's own
    /// future is dropped then, so this is for work that it spawned. Never ready after a normal end.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.cancel.clone().cancelled_owned()
    }

    /// Whether the call was cancelled, its deadline passed or its stream was dropped. For loops on blocking
    /// threads.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancel.is_cancelled()
    }

    pub(crate) fn cancel_token(&self) -> &CancellationToken {
        &self.0.cancel
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.0.outbox
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method())
            .field("tool", &self.tool())
            .field("tenant", &self.tenant())
            .field("agent", &self.agent())
            .finish_non_exhaustive()
    }
}
