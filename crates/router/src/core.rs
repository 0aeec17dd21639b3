//! The state of one shard's router, and the way of a call in and out of it. No borrow is ever held
//! while a sink runs, so a sink may start and cancel calls.
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::Replica;
use tokio::time::Instant;

use crate::answer::Verdict;
use crate::balance::pick;
use crate::bodies::Bodies;
use crate::budget::Budget;
use crate::calls::{Calls, InFlight};
use crate::deadlines::Timer;
use crate::dial::Dialer;
use crate::link::{Link, State};
use crate::names;
use crate::random::Random;
use crate::unary;
use crate::wire;
use crate::{Call, CallKey, Event, Failure, Handler, Options, Sink, Stats, Table};

/// Hears of a replica.
type Told = Box<dyn Fn(&Replica)>;

pub(crate) struct Core {
    pub options: RefCell<Arc<Options>>,
    pub dialer: Dialer,
    pub table: RefCell<Arc<Table>>,
    /// As in the table's list of replicas, place by place.
    pub links: RefCell<Vec<Rc<Link>>>,
    /// No longer in the table, but with calls to finish.
    pub retiring: RefCell<Vec<Rc<Link>>>,
    pub calls: RefCell<Calls>,
    pub bodies: RefCell<Bodies>,
    pub budget: RefCell<Budget>,
    pub random: RefCell<Random>,
    pub timer: Rc<Timer>,
    pub next_link: Cell<u64>,
    pub stats: Cell<Stats>,
    /// Who hears of ejections.
    pub ejected: OnceCell<Told>,
}

impl Core {
    pub(crate) fn new(dialer: Dialer) -> Self {
        let now = Instant::now();
        Self {
            budget: RefCell::new(Budget::new(&dialer.options, now)),
            options: RefCell::new(Arc::clone(&dialer.options)),
            dialer,
            table: RefCell::default(),
            links: RefCell::default(),
            retiring: RefCell::default(),
            calls: RefCell::new(Calls::new(now)),
            bodies: RefCell::default(),
            random: RefCell::new(Random::new()),
            timer: Rc::default(),
            next_link: Cell::new(1),
            stats: Cell::default(),
            ejected: OnceCell::new(),
        }
    }

    /// Takes what may change while connections stand: how calls are bounded, judged and retried.
    pub(crate) fn tune(&self, options: &Options) {
        let mut now = self.options.borrow_mut();
        let tuned = now.tuned(options);
        if tuned != **now {
            if !now.has_same_retries(&tuned) {
                self.budget.replace(Budget::new(&tuned, Instant::now()));
            }
            *now = Arc::new(tuned);
        }
    }

    pub(crate) fn start(
        self: &Rc<Self>,
        call: Call<'_>,
        sink: Rc<dyn Sink>,
        tag: u64,
    ) -> Result<CallKey, Failure> {
        let now = Instant::now();
        let handler = self.current(call.handler)?;
        let link = self.choose(&handler, None, now)?;
        if !self.calls.borrow().has_room() {
            let most = self.options.borrow().max_calls_per_replica;
            return Err(Failure::overloaded(&handler.backend, most));
        }
        let (usual, most) = {
            let options = self.options.borrow();
            (options.default_timeout_ms, Duration::from_millis(options.max_timeout_ms))
        };
        let usual = handler.timeout.unwrap_or(Duration::from_millis(usual));
        let timeout = call.timeout.unwrap_or(usual).min(most);
        let body = wire::Body {
            handler: &handler.encoded,
            method: names::on_the_wire(handler.kind, call.method),
            params: call.params,
            caller: &call.caller.encoded,
            idempotency_key: call.idempotency_key,
            join: call.join,
            traceparent: call.traceparent,
            tracestate: call.tracestate,
        };
        let body = wire::body(&body, &mut self.bodies.borrow_mut());
        let kept = if handler.annotations.may_repeat() { body.clone() } else { Bytes::new() };

        let (mut key, deadline) = (0, now + timeout);
        let due = self.calls.borrow_mut().insert(now, |id| {
            key = id;
            InFlight {
                key: id,
                wire_id: id,
                sink,
                tag,
                handler,
                link: None,
                deadline,
                timeout_ms: u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX),
                patient: timeout >= usual.min(most),
                body: kept,
                streamed: 0,
                partial: false,
                retried: false,
                task: None,
            }
        });
        self.timer.expect(due);
        self.budget.borrow_mut().call();
        self.count(|stats| stats.started += 1);
        self.hand_over(key, &link, body, now);
        Ok(CallKey(key))
    }

    pub(crate) fn cancel(&self, key: CallKey) -> bool {
        let mut calls = self.calls.borrow_mut();
        let Some((place, _)) = calls.by_key(key.0) else {
            return false;
        };
        let call = calls.remove(place);
        drop(calls);
        self.withdraw(&call);
        self.release(&call, Verdict::Neutral);
        true
    }

    /// Gives the call, which no link has, to this one.
    pub(crate) fn hand_over(self: &Rc<Self>, wire_id: u64, link: &Rc<Link>, body: Bytes, now: Instant) {
        let mut calls = self.calls.borrow_mut();
        let Some((_, call)) = calls.by_wire(wire_id) else {
            return;
        };
        link.enter(now);
        call.link = Some(Rc::clone(link));
        if link.multiplexed.get() || link.state.get() == State::Dialing {
            link.outbox.borrow().call(wire_id, call.deadline, body);
        } else {
            call.task = unary::spawn(self, link, wire_id, call.deadline, body);
        }
    }

    /// Ends a call: takes it out, judges its replica, delivers the end.
    pub(crate) fn end(&self, place: usize, event: Event, verdict: Verdict) {
        let call = self.calls.borrow_mut().remove(place);
        self.release(&call, verdict);
        call.sink.deliver(call.tag, event);
    }

    /// Tells whoever has a call to stop.
    pub(crate) fn withdraw(&self, call: &InFlight) {
        if let Some(task) = &call.task {
            task.abort();
        } else if let Some(link) = &call.link {
            link.outbox.borrow().cancel(call.wire_id);
        }
    }

    /// The call is off its link.
    pub(crate) fn release(&self, call: &InFlight, verdict: Verdict) {
        let Some(link) = &call.link else {
            return;
        };
        match verdict {
            Verdict::Success => link.judge.borrow_mut().success(),
            Verdict::Neutral => link.judge.borrow_mut().neutral(),
            Verdict::Failure => {
                if link.judge.borrow_mut().failure(Instant::now(), &self.options.borrow()) {
                    self.count(|stats| stats.ejections += 1);
                    if let Some(ejected) = self.ejected.get() {
                        ejected(&link.replica);
                    }
                    tracing::warn!(
                        backend = link.replica.backend(),
                        instance = link.replica.instance,
                        "replica ejected"
                    );
                }
            }
        }
        link.leave();
    }

    /// The handler as the present table has it.
    pub(crate) fn current(&self, handler: &Arc<Handler>) -> Result<Arc<Handler>, Failure> {
        let table = self.table.borrow();
        if handler.table == table.version {
            return Ok(Arc::clone(handler));
        }
        let same = table.same(handler).filter(|same| same.backend == handler.backend);
        same.cloned().ok_or_else(|| Failure::unavailable(&handler.backend))
    }

    /// The replica for a call of this handler, which must be of the present table.
    pub(crate) fn choose(
        &self,
        handler: &Handler,
        except: Option<u64>,
        now: Instant,
    ) -> Result<Rc<Link>, Failure> {
        let links = self.links.borrow();
        let limit = self.options.borrow().max_calls_per_replica;
        let rank = |link: &Rc<Link>| {
            if Some(link.id) == except { None } else { link.rank(limit, now) }
        };
        let link_at = |place: usize| handler.replicas.get(place).and_then(|at| links.get(*at as usize));
        let mut random = self.random.borrow_mut();
        let best = pick(handler.replicas.len(), &mut random, |place| link_at(place).and_then(rank));
        if let Some(link) = best.and_then(link_at) {
            return Ok(Rc::clone(link));
        }
        let mut open = (0..handler.replicas.len()).filter_map(link_at).filter(|link| Some(link.id) != except);
        Err(if open.any(|link| link.is_open()) {
            Failure::overloaded(&handler.backend, limit)
        } else {
            Failure::unavailable(&handler.backend)
        })
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Stats)) {
        let mut stats = self.stats.get();
        change(&mut stats);
        self.stats.set(stats);
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.timer.stop();
        self.calls.borrow_mut().abort();
        for link in self.links.borrow().iter().chain(self.retiring.borrow().iter()) {
            link.close();
        }
    }
}
