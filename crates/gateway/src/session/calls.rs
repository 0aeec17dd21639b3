//! The calls of one conversation that backends are at work on. Each ends with exactly one answer.

use super::exchange::{Exchange, method_code};
use super::progress;
use super::requests::Asked;
use crate::shard::{Delivery, Shard};
use auth::Identity;
use protocol::{ErrorCode, Id, Kind, Message, Outgoing, pb};
use router::{Call, CallKey, Caller, Event, Failure, Handler, Sink};
use slab::Slab;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A request id that outlives its frame.
#[derive(Clone, Debug)]
enum OwnedId {
    Token(Box<str>),
    Sequence(u64),
}

impl OwnedId {
    fn of(id: Id<'_>) -> Self {
        match id {
            Id::Token(token) => Self::Token(token.into()),
            Id::Sequence(number) => Self::Sequence(number),
        }
    }

    fn borrow(&self) -> Id<'_> {
        match self {
            Self::Token(token) => Id::Token(token),
            Self::Sequence(number) => Id::Sequence(*number),
        }
    }
}

/// A call that runs, or waits for the one before it on the same context.
#[derive(Debug)]
struct Running {
    /// None for a notification, which is not answered.
    id: Option<OwnedId>,
    method_code: u16,
    /// None while it waits.
    key: Option<CallKey>,
    context: Option<Box<str>>,
    started: Instant,
    /// Tells a late event of an earlier call in the same place.
    generation: u32,
}

impl Running {
    fn notify(&self, member: &[u8], exchange: &mut Exchange<'_>) {
        if let Some(id) = &self.id {
            progress::notify(id.borrow(), member, exchange);
        }
    }
}

/// What a call needs until the one before it on the same context has ended.
#[derive(Debug)]
struct Waiting {
    place: usize,
    handler: Arc<Handler>,
    method: Box<str>,
    params: Box<[u8]>,
    traceparent: String,
    tracestate: String,
    timeout: Option<Duration>,
}

/// All calls of a conversation.
#[derive(Debug)]
pub(super) struct Calls {
    running: Slab<Running>,
    /// By the canonical form of the request's id.
    by_id: HashMap<Box<str>, usize>,
    /// Contexts that a call is about, and the calls that wait for it.
    contexts: HashMap<Box<str>, VecDeque<Waiting>>,
    caller: Caller,
    session_id: String,
    generation: u32,
}

impl Calls {
    pub(super) fn new(identity: &Identity, session: uuid::Uuid) -> Self {
        let session_id = session.to_string();
        let identity = pb::Identity {
            tenant: identity.tenant().to_owned(),
            agent: identity.agent().to_owned(),
            scopes: identity.scopes().map(str::to_owned).collect(),
        };
        Self {
            running: Slab::new(),
            by_id: HashMap::new(),
            contexts: HashMap::new(),
            caller: Caller::new(&identity, &session_id),
            session_id,
            generation: 0,
        }
    }

    /// Calls that run or wait.
    pub(super) fn len(&self) -> usize {
        self.running.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    pub(super) fn is_in_flight(&self, id: Option<Id<'_>>) -> bool {
        id.is_some_and(|id| self.by_id.contains_key(&*id.canonical()))
    }

    /// Starts a call, or lets it wait for the one before it on the same context. `Some`: it was refused.
    pub(super) fn begin(
        &mut self,
        request: &Message<'_>,
        asked: &Asked<'_>,
        exchange: &Exchange<'_>,
    ) -> Option<(ErrorCode, String)> {
        self.generation = self.generation.wrapping_add(1);
        tracing::debug!(
            connection = exchange.peer.id(),
            session = self.session_id,
            request = request.id.as_ref().map(tracing::field::debug),
            method = asked.method,
            handler = asked.handler.name,
            backend = asked.handler.backend,
            "a call begins"
        );
        let id = request.id.filter(|_| request.kind == Kind::Request);
        let place = self.running.insert(Running {
            id: id.map(OwnedId::of),
            method_code: method_code(request),
            key: None,
            context: asked.context.as_deref().map(Box::from),
            started: Instant::now(),
            generation: self.generation,
        });
        if let Some(id) = id {
            self.by_id.insert(id.canonical().into(), place);
        }
        let meta = &request.meta;
        let (traceparent, tracestate) =
            (meta.traceparent.as_deref().unwrap_or(""), meta.tracestate.as_deref().unwrap_or(""));
        if let Some(context) = asked.context.as_deref() {
            if let Some(waiting) = self.contexts.get_mut(context) {
                waiting.push_back(Waiting {
                    place,
                    handler: Arc::clone(asked.handler),
                    method: asked.method.into(),
                    params: asked.params.as_bytes().into(),
                    traceparent: traceparent.to_owned(),
                    tracestate: tracestate.to_owned(),
                    timeout: asked.timeout,
                });
                return None;
            }
            self.contexts.insert(context.into(), VecDeque::new());
        }
        let call = Call {
            handler: asked.handler,
            method: asked.method,
            params: asked.params.as_bytes(),
            caller: &self.caller,
            idempotency_key: &self.idempotency_key(place),
            traceparent,
            tracestate,
            timeout: asked.timeout,
        };
        match self.start(place, call, exchange) {
            Ok(key) => {
                self.running[place].key = Some(key);
                None
            }
            Err(failure) => {
                self.remove(place);
                if let Some(context) = asked.context.as_deref() {
                    self.contexts.remove(context);
                }
                Some((failure.code, failure.message.into_owned()))
            }
        }
    }

    /// The same for every attempt at a request of this session.
    fn idempotency_key(&self, place: usize) -> String {
        match &self.running[place].id {
            Some(id) => format!("{}:{}", self.session_id, id.borrow().canonical()),
            None => format!("{}:#{}", self.session_id, self.running[place].generation),
        }
    }

    fn start(&self, place: usize, call: Call<'_>, exchange: &Exchange<'_>) -> Result<CallKey, Failure> {
        let tag = u64::from(self.running[place].generation) << 32 | place as u64;
        let sink = Rc::clone(exchange.peer) as Rc<dyn Sink>;
        let key = exchange.shard.router.start(call, sink, tag)?;
        exchange.shard.counters.calls_started.increment();
        Ok(key)
    }

    fn remove(&mut self, place: usize) -> Running {
        let running = self.running.remove(place);
        if let Some(id) = &running.id {
            self.by_id.remove(&*id.borrow().canonical());
        }
        running
    }

    /// An event of a call, unless the call has ended.
    pub(super) fn deliver(&mut self, delivery: Delivery, exchange: &mut Exchange<'_>, now: Instant) {
        let place = (delivery.tag & u64::from(u32::MAX)) as usize;
        let Some(running) = self.running.get(place) else { return };
        if u64::from(running.generation) != delivery.tag >> 32 {
            return;
        }
        match delivery.event {
            // A client that lags behind is spared what the next progress will say anyway.
            Event::Progress(_) if exchange.is_congested() => {}
            Event::Progress(progress) => running.notify(&progress::member_of(&progress), exchange),
            Event::Partial(_) if exchange.is_overfull() => {
                if let Some(key) = running.key {
                    exchange.shard.router.cancel(key);
                }
                let failure = Failure::new(
                    ErrorCode::TooLarge,
                    "the client reads more slowly than the result streams, and max_unsent is reached",
                );
                self.finish(place, Err(failure), exchange, now);
            }
            Event::Partial(partial) => {
                let mut member = b"\"partial\":".to_vec();
                member.extend_from_slice(&partial);
                running.notify(&member, exchange);
            }
            Event::Result(result) => self.finish(place, Ok(&result), exchange, now),
            Event::Failed(failure) => self.finish(place, Err(failure), exchange, now),
        }
    }

    /// The call's one answer.
    fn finish(
        &mut self,
        place: usize,
        outcome: Result<&[u8], Failure>,
        exchange: &mut Exchange<'_>,
        now: Instant,
    ) {
        let running = self.remove(place);
        let counters = &exchange.shard.counters;
        if running.key.is_some() {
            counters.calls_ended.increment();
        }
        let elapsed = now.saturating_duration_since(running.started);
        counters.latency.observe(elapsed, 1);
        if let Err(failure) = &outcome {
            counters.error(failure.code);
        }
        tracing::debug!(
            connection = exchange.peer.id(),
            session = self.session_id,
            request = running.id.as_ref().map(tracing::field::debug),
            code = outcome.as_ref().err().map(|failure| failure.code.as_u16()),
            elapsed_us = elapsed.as_micros() as u64,
            "a call ended"
        );
        if let Some(id) = &running.id {
            let id = id.borrow();
            match &outcome {
                Ok(result) => exchange.send(&Outgoing::response(id, running.method_code, *result)),
                Err(failure) => exchange.send(&Outgoing::error(
                    Some(id),
                    running.method_code,
                    failure.code,
                    &failure.message,
                    failure.details.as_deref(),
                )),
            }
        }
        if let Some(context) = &running.context {
            self.start_next(context, exchange, now);
        }
    }

    /// The context is free: the next call about it starts.
    fn start_next(&mut self, context: &str, exchange: &mut Exchange<'_>, now: Instant) {
        let Some(queue) = self.contexts.get_mut(context) else { return };
        let Some(next) = queue.pop_front() else {
            self.contexts.remove(context);
            return;
        };
        let call = Call {
            handler: &next.handler,
            method: &next.method,
            params: &next.params,
            caller: &self.caller,
            idempotency_key: &self.idempotency_key(next.place),
            traceparent: &next.traceparent,
            tracestate: &next.tracestate,
            timeout: next.timeout,
        };
        match self.start(next.place, call, exchange) {
            Ok(key) => self.running[next.place].key = Some(key),
            Err(failure) => self.finish(next.place, Err(failure), exchange, now),
        }
    }

    /// Cancels the call of the request with this id; false if none is in flight.
    pub(super) fn cancel(&mut self, id: &str, exchange: &mut Exchange<'_>) -> bool {
        let Some(&place) = self.by_id.get(id) else { return false };
        match self.running[place].key {
            Some(key) => {
                exchange.shard.router.cancel(key);
            }
            None => self.stop_waiting(place),
        }
        let failure = Failure::new(ErrorCode::Cancelled, "cancelled by tool.cancel");
        self.finish(place, Err(failure), exchange, Instant::now());
        true
    }

    fn stop_waiting(&mut self, place: usize) {
        if let Some(context) = self.running[place].context.take()
            && let Some(queue) = self.contexts.get_mut(&context)
        {
            queue.retain(|waiting| waiting.place != place);
        }
    }

    /// Nobody waits any more.
    pub(super) fn cancel_all(&mut self, shard: &Shard) {
        for running in self.running.drain() {
            if let Some(key) = running.key {
                shard.router.cancel(key);
                shard.counters.calls_ended.increment();
            }
        }
    }

    /// Later calls are made with the scopes of a fresh token.
    pub(super) fn replace_identity(&mut self, identity: &Identity, session: uuid::Uuid) {
        self.caller = Self::new(identity, session).caller;
    }
}
