//! A call that ends with the request that waits for it: nothing of it is journalled.

use super::ask::Ask;
use super::problem::Problem;
use super::running::{Hold, Running};
use crate::kept::Work;
use crate::measure;
use crate::platform::{self, Holder};
use crate::session::caller;
use crate::shard::{Peer, Shard, cancelled};
use crate::trace::CallSpan;
use auth::Identity;
use metrics::TraceId;
use router::{Call, CallKey, Event, Failure, Handler, Sink};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use uuid::Uuid;

/// The call. Dropped before its end, it is cancelled.
pub(crate) struct Plain {
    shard: Rc<Shard>,
    /// None once it has ended.
    key: Option<CallKey>,
    handler: Arc<Handler>,
    holder: Holder,
    trace: Option<TraceId>,
    span: Option<CallSpan>,
    started: Instant,
}

impl Plain {
    pub(super) fn start(ask: &Ask, work: &Work) -> Result<Running, Problem> {
        let span = ask.span.as_ref().map(CallSpan::of);
        let (traceparent, tracestate) = ask.trace(span.as_ref());
        Ok(Self::begin(ask.shard(), &ask.identity, work, (&traceparent, &tracestate), span)?)
    }

    /// The same for this identity, in the trace of this `traceparent` and `tracestate`.
    ///
    /// # Errors
    /// No backend could take it.
    pub(crate) fn begin(
        shard: &Rc<Shard>,
        identity: &Identity,
        work: &Work,
        (traceparent, tracestate): (&str, &str),
        mut span: Option<CallSpan>,
    ) -> Result<Running, Failure> {
        let peer = Rc::new(Peer::of_call(shard.terms().config.websocket.max_unsent));
        let session = Uuid::now_v7().to_string();
        let call = Call {
            handler: &work.handler,
            method: &work.method,
            params: &work.params,
            // Where there is no session, a backend can neither keep something for it, nor ask about it.
            caller: &caller(identity, &work.session.map(|id| id.to_string()).unwrap_or_default()),
            idempotency_key: [&session, "", ""],
            join: false,
            traceparent,
            tracestate,
            timeout: work.timeout,
        };
        let start = || shard.router.start(call, Rc::clone(&peer) as Rc<dyn Sink>, 0);
        let key = CallSpan::send(&mut span, &work.handler, &shard.pod, &shard.router, start);
        let key = key.inspect_err(|failure| measure::refused(shard, &work.handler, failure.code))?;
        shard.counters.calls_started.increment();
        let plain = Self {
            shard: Rc::clone(shard),
            key: Some(key),
            handler: Arc::clone(&work.handler),
            holder: Holder::new(identity, session),
            trace: TraceId::sampled(traceparent),
            span,
            started: Instant::now(),
        };
        Ok(Running::new(peer, Hold::Plain(Box::new(plain))))
    }

    /// An event of the call was taken.
    pub(super) fn heed(&mut self, event: &Event) {
        if matches!(event, Event::Result(_) | Event::Failed(_))
            && let Some(key) = self.key.take()
        {
            // Its backend works on, where it was its client that was too slow.
            self.shard.router.cancel(key);
            self.shard.counters.calls_ended.increment();
            if let Some(span) = self.span.take() {
                span.end(&self.handler, &self.shard.pod, Some(event));
            }
            let now = Instant::now();
            let elapsed = now.saturating_duration_since(self.started);
            measure::ended(&self.shard, &self.handler, elapsed, event, self.trace);
            platform::tell_call(&self.shard, &self.holder, "", &self.handler, (self.started, now), event);
        }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.shard.router.cancel(key);
            self.shard.counters.calls_ended.increment();
            let end = Event::Failed(cancelled());
            measure::ended(&self.shard, &self.handler, self.started.elapsed(), &end, self.trace);
            if let Some(span) = self.span.take() {
                span.end(&self.handler, &self.shard.pod, None);
            }
        }
    }
}
