//! The calls of one conversation that backends are at work on. Each ends with exactly one answer.

mod journal;
mod named;
mod rounds;
mod work;

pub(super) use journal::Heeded;
pub(super) use rounds::Spoken;
pub(super) use work::Waits;

use super::asker::Asker;
use super::exchange::Exchange;
use super::requests::Asked;
use super::round;
use super::standing::Standing;
use crate::mcp::Ends;
use crate::measure;
use crate::outcome;
use crate::platform::{self, Holder};
use crate::shard::{Order, Peer, Shard, cancelled};
use crate::trace::{self, CallSpan};
use auth::Identity;
use foldhash::{HashMap, HashMapExt as _};
use metrics::TraceId;
use metrics::trace::Open;
use protocol::{ErrorCode, Message, Outgoing, pb};
use router::{Call, CallKey, Caller, Event, Failure, Handler, Sink};
use session_store::{Epoch, SessionId};
use slab::Slab;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;
use work::{Running, Work};

/// All calls of a conversation.
#[derive(Debug)]
pub(super) struct Calls {
    running: Slab<Running>,
    /// By the canonical form of the request's id.
    by_id: HashMap<Arc<str>, usize>,
    /// Contexts that a call is about, and the calls that wait for it.
    contexts: HashMap<Box<str>, VecDeque<usize>>,
    caller: Caller,
    holder: Rc<Holder>,
    session: SessionId,
    /// None before the session is opened: its calls then end with the connection.
    standing: Option<(Epoch, Standing)>,
    generation: u32,
}

/// Without a session before that is opened: a backend that asks for it would be told that it has ended.
fn caller_in(identity: &Identity, session: &str, is_open: bool) -> Caller {
    caller(identity, if is_open { session } else { "" })
}

impl Calls {
    pub(super) fn new(identity: &Identity, session: uuid::Uuid, standing: Option<(Epoch, Standing)>) -> Self {
        let session_id = session.to_string();
        Self {
            running: Slab::new(),
            by_id: HashMap::new(),
            contexts: HashMap::new(),
            caller: caller_in(identity, &session_id, standing.is_some()),
            holder: Rc::new(Holder::new(identity, session_id)),
            session: SessionId(session),
            standing,
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

    /// Whether the id is that of a call that is not answered. One that was only named as unanswered is not: the request
    /// that brings it again tells what it was.
    fn is_in_flight(&self, asker: &Asker) -> bool {
        self.place_for(asker).is_some_and(|place| self.running[place].is_known())
    }

    /// Whether a request with this id may begin, of which so many may run.
    pub(super) fn room(&self, asker: &Asker, most: usize) -> Result<(), Failure> {
        if self.is_in_flight(asker) {
            let why = "a request with this id is in flight on this connection: use a fresh id";
            return Err(Failure::new(ErrorCode::InvalidParams, why));
        }
        if self.len() >= most {
            let why = format!(
                "{most} calls of this connection are in flight, which is max_in_flight: wait for an answer"
            );
            return Err(Failure::new(ErrorCode::TooManyInFlight, why));
        }
        Ok(())
    }

    fn place_for(&self, asker: &Asker) -> Option<usize> {
        // Mostly nothing runs, and then nothing is looked for.
        let request = asker.request.as_deref().filter(|_| !self.by_id.is_empty())?;
        self.by_id.get(request).copied()
    }

    fn insert(
        &mut self,
        asker: Asker,
        handler: Option<&Arc<Handler>>,
        span: Option<Open>,
        now: Instant,
    ) -> usize {
        self.generation = self.generation.wrapping_add(1);
        let key = asker.request.clone();
        let place = self.running.insert(Running {
            asker,
            work: Work::Nobody,
            context: None,
            handler: handler.cloned(),
            started: now,
            trace: None,
            span,
            call: None,
            spoken: None,
            generation: self.generation,
        });
        if let Some(key) = key {
            self.by_id.insert(key, place);
        }
        place
    }

    fn remove(&mut self, place: usize) -> Running {
        let running = self.running.remove(place);
        if let Some(request) = &running.asker.request {
            self.by_id.remove(request);
        }
        running
    }

    /// What the call is known by outside: a late event of an earlier call in the same place has another one.
    fn tag(&self, place: usize) -> u64 {
        u64::from(self.running[place].generation) << 32 | place as u64
    }

    fn place_of(&self, tag: u64) -> Option<usize> {
        let place = (tag & u64::from(u32::MAX)) as usize;
        let running = self.running.get(place)?;
        (u64::from(running.generation) == tag >> 32).then_some(place)
    }

    /// Starts a call, or lets it wait for the one before it on the same context. `sent` is the latest round of one that was
    /// sent before. `Some`: it was refused.
    pub(super) fn begin(
        &mut self,
        asker: Asker,
        request: &Message<'_>,
        asked: &Asked<'_>,
        sent: Option<u32>,
        exchange: &Exchange<'_>,
    ) -> Option<Failure> {
        tracing::debug!(
            connection = exchange.peer.id(),
            session = self.holder.session,
            request = request.id.as_ref().map(tracing::field::debug),
            method = asked.method,
            handler = asked.handler.name,
            backend = asked.handler.backend,
            resent = sent.is_some(),
            "a call begins"
        );
        let known = self.place_for(&asker);
        let waits = asked.context.as_deref().is_some_and(|context| self.contexts.contains_key(context));
        if self.standing.is_none() && !waits {
            return self.send(asker, request, asked, exchange);
        }
        let mut order = self.order(&asker, request, asked, sent.is_some(), exchange);
        if let Some(place) = known {
            // It runs already; now it is known what it was.
            let running = &mut self.running[place];
            (running.asker, running.handler) = (asker, Some(Arc::clone(asked.handler)));
            running.spoken = asked.spoken();
            running.span = exchange.span.take();
            if let Work::Elsewhere { order: missing, .. } = &mut running.work {
                *missing = Some(order.keep());
            }
            return None;
        }
        let place = self.insert(asker, Some(asked.handler), exchange.span.take(), exchange.now);
        self.running[place].spoken = asked.spoken();
        if let Some(round) = sent.filter(|round| *round > 0) {
            order.request = round::name(&order.request, round);
            self.running[place].go_on_from(round);
        }
        if let Some(context) = asked.context.as_deref() {
            self.running[place].context = Some(context.into());
            let queue = self.contexts.entry(context.into()).or_default();
            if waits {
                queue.push_back(place);
                self.running[place].work = Work::Waits(order.keep());
                return None;
            }
        }
        self.dispatch(place, order, exchange);
        None
    }

    /// Sends a call that ends with its connection, as it lies in the frame.
    fn send(
        &mut self,
        asker: Asker,
        request: &Message<'_>,
        asked: &Asked<'_>,
        exchange: &Exchange<'_>,
    ) -> Option<Failure> {
        let mut span = exchange.span.get().as_ref().map(CallSpan::of);
        let place = self.insert(asker, Some(asked.handler), exchange.span.take(), exchange.now);
        self.running[place].spoken = asked.spoken();
        let (traceparent, tracestate) = trace::carried(span.as_ref(), &request.meta);
        let call = Call {
            handler: asked.handler,
            method: asked.method,
            params: asked.params.as_bytes(),
            caller: &self.caller,
            idempotency_key: [&self.holder.session, ":", &self.name_of(place)],
            join: false,
            traceparent: &traceparent,
            tracestate,
            timeout: asked.timeout,
        };
        match self.start(place, call, &mut span, exchange) {
            Ok(key) => {
                let running = &mut self.running[place];
                (running.work, running.call) = (Work::Sent(key), span);
                running.trace = TraceId::sampled(&traceparent);
                if let Some(context) = asked.context.as_deref() {
                    self.running[place].context = Some(context.into());
                    self.contexts.insert(context.into(), VecDeque::new());
                }
                None
            }
            Err(failure) => {
                // The message ends where it is refused.
                exchange.span.set(self.remove(place).span);
                Some(failure)
            }
        }
    }

    fn start(
        &self,
        place: usize,
        call: Call<'_>,
        span: &mut Option<CallSpan>,
        exchange: &Exchange<'_>,
    ) -> Result<CallKey, Failure> {
        let sink = Rc::clone(exchange.peer) as Rc<dyn Sink>;
        let (shard, handler) = (exchange.shard, call.handler);
        let start = || shard.router.start(call, sink, self.tag(place));
        let key = CallSpan::send(span, handler, &shard.pod, &shard.router, start)?;
        exchange.shard.counters.calls_started.increment();
        Ok(key)
    }

    fn order<'a>(
        &self,
        asker: &Asker,
        request: &'a Message<'_>,
        asked: &Asked<'a>,
        resent: bool,
        exchange: &Exchange<'_>,
    ) -> Order<'a> {
        let attempt = exchange.shard.next_attempt();
        let id = match &asker.request {
            Some(request) => Arc::clone(request),
            // A notification, which nobody asks for again.
            None => format!("#{attempt:x}.{}", exchange.shard.pod.id).into(),
        };
        let span = exchange.span.get().as_ref().map(CallSpan::of);
        let (traceparent, tracestate) = trace::carried(span.as_ref(), &request.meta);
        Order {
            session: self.session,
            epoch: self.standing.map_or(Epoch(0), |(epoch, _)| epoch),
            request: id,
            attempt,
            resent,
            join: false,
            handler: Arc::clone(asked.handler),
            method: asked.method.into(),
            params: asked.params.as_bytes().into(),
            caller: self.caller.clone(),
            holder: Rc::clone(&self.holder),
            traceparent,
            tracestate: tracestate.into(),
            span,
            timeout: asked.timeout,
            asked_at: exchange.now,
            ends: Ends::of(asked),
        }
    }

    /// What a call that ends with its connection is called at the backend.
    fn name_of(&self, place: usize) -> Arc<str> {
        let running = &self.running[place];
        running.asker.request.clone().unwrap_or_else(|| format!("#{}", running.generation).into())
    }

    /// Hands a call over to whoever is to work on it.
    fn dispatch(&mut self, place: usize, mut order: Order<'_>, exchange: &Exchange<'_>) {
        if let Some((epoch, _)) = self.standing {
            // It may have waited while the session changed hands and came back.
            order.epoch = epoch;
        }
        let client = (Rc::clone(exchange.peer), self.tag(place));
        let is_asked = self.running[place].asker.id.is_some();
        self.running[place].work = match self.standing {
            Some((_, Standing::Journalled)) if is_asked => Work::AtDesk(exchange.shard.begin(order, client)),
            Some((_, Standing::Doubted { .. })) if is_asked && !order.may_repeat() => {
                Work::Held(order.keep())
            }
            Some(_) => Work::AtDesk(exchange.shard.run(&order, client)),
            None => {
                let mut span = order.span.take();
                match self.start(place, order.call(), &mut span, exchange) {
                    Ok(key) => {
                        self.running[place].call = span;
                        Work::Sent(key)
                    }
                    Err(failure) => {
                        exchange.peer.deliver(client.1, Event::Failed(failure));
                        Work::Nobody
                    }
                }
            }
        };
    }

    /// An event of a call, unless the call has ended.
    pub(super) fn deliver(
        &mut self,
        tag: u64,
        event: Event,
        exchange: &mut Exchange<'_>,
        now: Instant,
    ) -> Option<Arc<str>> {
        let place = self.place_of(tag)?;
        let running = &self.running[place];
        match event {
            // A client that lags behind is spared what the next progress will say anyway.
            Event::Progress(_) if exchange.is_congested() => {}
            Event::Progress(progress) => running.progress(&progress, exchange),
            Event::Partial(_) if exchange.is_overfull() => {
                return self.give_up(place, outcome::unread(), exchange, now);
            }
            Event::Partial(partial) => running.partial(&partial, exchange),
            end if self.ask_client(place, &end, exchange) => {}
            end => return self.finish(place, &end, exchange, now),
        }
        None
    }

    /// The call's one answer. Returns the id of a call that the journal has an answer of, too.
    fn finish(
        &mut self,
        place: usize,
        end: &Event,
        exchange: &mut Exchange<'_>,
        now: Instant,
    ) -> Option<Arc<str>> {
        let mut running = self.remove(place);
        let counters = &exchange.shard.counters;
        let elapsed = now.saturating_duration_since(running.started);
        counters.latency.observe(elapsed, 1);
        let told = running.told(end);
        let failure = if let Event::Failed(failure) = &*told { Some(failure) } else { None };
        if let Some(failure) = failure {
            counters.error(failure.code);
        }
        if let Some(open) = running.span {
            let (tracer, method) = (&exchange.shard.pod.tracer, running.method_name());
            trace::tell_message(
                tracer,
                open,
                method,
                exchange.peer.id(),
                failure.map(|failure| failure.code),
            );
        }
        if let Some(handler) = &running.handler {
            match running.work {
                Work::Sent(_) => {
                    let request = running.asker.request.as_deref().unwrap_or_default();
                    counters.calls_ended.increment();
                    if let Some(call) = running.call.take() {
                        call.end(handler, &exchange.shard.pod, Some(end));
                    }
                    measure::ended(exchange.shard, handler, elapsed, end, running.trace);
                    let times = (running.started, now);
                    platform::tell_call(exchange.shard, &self.holder, request, handler, times, end);
                }
                // Whoever ran it has counted it.
                Work::AtDesk(_) | Work::Elsewhere { .. } | Work::Named(_) | Work::Waiting(_) => {}
                Work::Waits(_) | Work::Held(_) | Work::Nobody => {
                    if let Some(failure) = failure {
                        measure::refused(exchange.shard, handler, failure.code);
                    }
                }
            }
        }
        tracing::debug!(
            connection = exchange.peer.id(),
            session = self.holder.session,
            request = running.asker.id.as_ref().map(tracing::field::debug),
            code = failure.map(|failure| failure.code.as_u16()),
            elapsed_us = elapsed.as_micros() as u64,
            "a call ended"
        );
        let method_code = running.asker.method_code;
        if let Some(id) = running.answers_to() {
            match &*told {
                Event::Failed(failure) => exchange.send(&Outgoing::error(
                    Some(id),
                    method_code,
                    failure.code,
                    &failure.message,
                    failure.details.as_deref(),
                )),
                Event::Result(result) => {
                    exchange.send(&Outgoing::response(id, method_code, &result[..]));
                }
                // They end nothing.
                Event::Progress(_) | Event::Partial(_) => {}
            }
        }
        if let Some(context) = &running.context {
            self.start_next(context, exchange);
        }
        let is_kept = !matches!(running.work, Work::Sent(_) | Work::Named(_) | Work::Waiting(_));
        if is_kept && !running.may_go_on(end) { running.name() } else { None }
    }

    /// The context is free: the next call about it starts.
    fn start_next(&mut self, context: &str, exchange: &Exchange<'_>) {
        let Some(queue) = self.contexts.get_mut(context) else { return };
        let Some(place) = queue.pop_front() else {
            self.contexts.remove(context);
            return;
        };
        if let Work::Waits(order) = self.running[place].work.take() {
            self.dispatch(place, *order, exchange);
        }
    }

    /// Cancels the call of the request with this id; false if none is in flight. Also the id of a call that the journal
    /// has an answer of.
    pub(super) fn cancel(&mut self, id: &str, exchange: &mut Exchange<'_>) -> (bool, Option<Arc<str>>) {
        let Some(&place) = self.by_id.get(id) else { return (false, None) };
        if let Work::Elsewhere { watch, .. } = &self.running[place].work {
            // Whoever runs it ends it, and the journal tells.
            let name = self.running[place].name();
            exchange.shard.cancel_elsewhere(self.session, &name.unwrap_or_default());
            watch.news.notify_one();
            return (true, None);
        }
        if let Work::Named(kept) = &self.running[place].work {
            kept.cancel();
            return (true, None);
        }
        (true, self.give_up(place, cancelled(), exchange, Instant::now()))
    }

    /// Ends a call wherever it is, and answers it.
    fn give_up(
        &mut self,
        place: usize,
        failure: Failure,
        exchange: &mut Exchange<'_>,
        now: Instant,
    ) -> Option<Arc<str>> {
        let shard = exchange.shard;
        match &self.running[place].work {
            Work::Sent(key) => {
                shard.router.cancel(*key);
            }
            Work::AtDesk(key) => shard.give_up(*key, failure.clone()),
            Work::Waits(_) => self.stop_waiting(place),
            Work::Held(order) => shard.withdraw(order),
            Work::Elsewhere { .. } | Work::Named(_) | Work::Waiting(_) | Work::Nobody => {}
        }
        self.finish(place, &Event::Failed(failure), exchange, now)
    }

    fn stop_waiting(&mut self, place: usize) {
        if let Some(context) = self.running[place].context.take()
            && let Some(queue) = self.contexts.get_mut(&context)
        {
            queue.retain(|waiting| *waiting != place);
        }
    }

    /// Nobody is connected any more. What ends with the connection is cancelled, what outlives it goes on.
    pub(super) fn leave(&mut self, peer: &Peer, shard: &Rc<Shard>, is_over: bool) {
        for running in self.running.drain() {
            if let Some(open) = running.span {
                trace::tell_message(&shard.pod.tracer, open, running.method_name(), peer.id(), None);
            }
            match running.work {
                Work::Sent(key) => {
                    shard.router.cancel(key);
                    shard.counters.calls_ended.increment();
                    if let Some(handler) = &running.handler {
                        let (elapsed, end) = (running.started.elapsed(), Event::Failed(cancelled()));
                        measure::ended(shard, handler, elapsed, &end, running.trace);
                        if let Some(call) = running.call {
                            call.end(handler, &shard.pod, None);
                        }
                    }
                }
                Work::AtDesk(key) if is_over => shard.give_up(key, cancelled()),
                Work::AtDesk(key) => shard.release(key),
                Work::Held(order) => shard.withdraw(&order),
                Work::Waits(_)
                | Work::Elsewhere { .. }
                | Work::Named(_)
                | Work::Waiting(_)
                | Work::Nobody => {}
            }
        }
    }

    /// Later calls are made with the scopes of a fresh token.
    pub(super) fn replace_identity(&mut self, identity: &Identity) {
        self.caller = caller_in(identity, &self.holder.session, self.standing.is_some());
    }
}

/// Who calls, as backends are told.
pub(crate) fn caller(identity: &Identity, session_id: &str) -> Caller {
    let identity = pb::Identity {
        tenant: identity.tenant().to_owned(),
        agent: identity.agent().to_owned(),
        scopes: identity.scopes().map(str::to_owned).collect(),
    };
    Caller::new(&identity, session_id)
}
