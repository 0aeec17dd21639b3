//! The calls of one conversation that backends are at work on. Each ends with exactly one answer.

use super::exchange::{Exchange, method_code};
use super::params::Params;
use super::Session;
use crate::shard::{Delivery, Shard};
use auth::Identity;
use protocol::{ErrorCode, Id, Kind, Message, Method, Outgoing, pb};
use router::{Call, CallKey, Caller, Event, Failure, Handler, Sink};
use slab::Slab;
use std::borrow::Cow;
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

/// What a client asked a backend for.
struct Asked<'a> {
    handler: &'a Arc<Handler>,
    method: &'a str,
    params: &'a str,
    context: Option<Cow<'a, str>>,
    timeout: Option<Duration>,
}

impl Session {
    /// `tool.execute`.
    pub(super) fn execute(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let table = exchange.shard.router.table();
        let parsed = Params::of(request.body).and_then(|params| {
            let tool = params.required_text("tool")?;
            let timeout = params.positive("timeout_ms")?;
            Ok((tool, params.raw("args").unwrap_or("{}"), timeout, context_of(&params, &["context_id"])?))
        });
        let (tool, args, timeout_ms, context) = match parsed {
            Ok(parsed) => parsed,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let Some(handler) = table.tool(&tool) else {
            let name: String = tool.chars().take(128).collect();
            return exchange.refuse(
                request,
                ErrorCode::NotFound,
                &format!("no tool is named {name:?}; tool.list names those that there are"),
            );
        };
        let timeout = timeout_ms.or(request.meta.timeout_ms).map(Duration::from_millis);
        let asked = Asked { handler, method: Method::ToolExecute.name(), params: args, context, timeout };
        self.call(request, &asked, exchange);
    }

    /// A method that a backend registered.
    pub(super) fn custom(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let method = request.method.as_ref().map_or("", |method| method.name());
        let table = exchange.shard.router.table();
        let Some(handler) = table.method(method) else {
            let name: String = method.chars().take(128).collect();
            return exchange.refuse(
                request,
                ErrorCode::MethodNotFound,
                &format!("no method is named {name:?}, neither of the gateway nor of a backend"),
            );
        };
        let names: &[&str] = if method.starts_with("context.") { &["context_id", "id"] } else { &["context_id"] };
        let context = match Params::of(request.body) {
            Ok(params) => context_of(&params, names),
            // Other shapes are the handler's to judge.
            Err(_) => Ok(None),
        };
        let context = match context {
            Ok(context) => context,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let timeout = request.meta.timeout_ms.map(Duration::from_millis);
        self.call(request, &Asked { handler, method, params: request.body, context, timeout }, exchange);
    }

    fn call(&mut self, request: &Message<'_>, asked: &Asked<'_>, exchange: &mut Exchange<'_>) {
        if let Some(missing) = asked.handler.scopes.iter().find(|scope| !self.identity.has_scope(scope)) {
            let message = format!("the token lacks the scope {missing:?}, which this call needs");
            return exchange.refuse(request, ErrorCode::Forbidden, &message);
        }
        if exchange.draining {
            return exchange.refuse(
                request,
                ErrorCode::BackendUnavailable,
                "this pod drains and takes no more calls: reconnect and send it again; nothing was sent",
            );
        }
        let most = exchange.shard.config.websocket.max_in_flight;
        let calls = self.calls.get_or_insert_with(|| Box::new(Calls::new(&self.identity, self.id)));
        let refused = if calls.running.len() >= most {
            Some((
                ErrorCode::TooManyInFlight,
                format!("{most} calls of this connection are in flight, which is max_in_flight: wait for an answer"),
            ))
        } else if calls.is_in_flight(request.id) {
            Some((
                ErrorCode::InvalidParams,
                "a request with this id is in flight on this connection: use a fresh id".to_owned(),
            ))
        } else {
            calls.begin(request, asked, exchange)
        };
        if let Some((code, message)) = refused {
            exchange.refuse(request, code, &message);
        }
    }

    /// `tool.cancel`: the request that it names is answered with 4008.
    pub(super) fn cancel(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let target = Params::of(request.body).and_then(|params| {
            let right = "the id of the request to cancel, as it was sent";
            let Some(id) = params.raw("id") else {
                return Err(format!("params.id is missing: {right} is needed").into());
            };
            let is_id = id.starts_with('"') || id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            if is_id { Ok(id) } else { Err(format!("params.id is no id: {right} is needed").into()) }
        });
        let target = match target {
            Ok(target) => target,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let key = Id::Token(target).canonical();
        let cancelled = self.calls.as_mut().is_some_and(|calls| calls.cancel(&key, exchange));
        let result: &[u8] = if cancelled { b"{\"cancelled\":true}" } else { b"{\"cancelled\":false}" };
        exchange.answer(request, result);
    }
}

impl Calls {
    fn new(identity: &Identity, session: uuid::Uuid) -> Self {
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

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    fn is_in_flight(&self, id: Option<Id<'_>>) -> bool {
        id.is_some_and(|id| self.by_id.contains_key(&*id.canonical()))
    }

    /// Starts a call, or lets it wait for the one before it on the same context. `Some`: it was refused.
    fn begin(
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
            Event::Progress(progress) => notify(running, &progress_json(&progress), exchange),
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
                notify(running, &member, exchange);
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
    fn cancel(&mut self, id: &str, exchange: &mut Exchange<'_>) -> bool {
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

/// The context that a call is about, by the first of these members that is there.
fn context_of<'a>(params: &Params<'a>, names: &[&'static str]) -> Result<Option<Cow<'a, str>>, super::params::Mistake> {
    for name in names {
        if let Some(text) = params.text(name)? {
            return Ok(Some(Cow::Owned(text)));
        }
    }
    Ok(None)
}

/// Sends `tool.progress` with the request's id and this member.
fn notify(running: &Running, member: &[u8], exchange: &mut Exchange<'_>) {
    let Some(id) = &running.id else { return };
    let mut params = b"{\"id\":".to_vec();
    let sequence = match id {
        OwnedId::Token(token) => {
            params.extend_from_slice(token.as_bytes());
            None
        }
        OwnedId::Sequence(number) => {
            params.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes());
            Some(*number)
        }
    };
    params.push(b',');
    params.extend_from_slice(member);
    params.push(b'}');
    exchange.send(&Outgoing::notification(Method::ToolProgress, params, sequence));
}

fn progress_json(progress: &pb::Progress) -> Vec<u8> {
    let mut member = Vec::with_capacity(64);
    let number = |value: f64, out: &mut Vec<u8>| {
        // JSON has no NaN; whole numbers are written without a fraction.
        if value.fract() == 0.0 && value.abs() < 9e15 {
            out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            out.extend_from_slice(serde_json::Number::from_f64(value).map_or_else(|| "0".into(), |n| n.to_string()).as_bytes());
        }
    };
    member.extend_from_slice(b"\"progress\":");
    number(progress.progress, &mut member);
    if progress.total != 0.0 {
        member.extend_from_slice(b",\"total\":");
        number(progress.total, &mut member);
    }
    if !progress.message.is_empty() {
        member.extend_from_slice(b",\"message\":");
        // Writing a string into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut member, &progress.message);
    }
    member
}
