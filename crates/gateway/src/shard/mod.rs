//! A shard: one pinned thread with its own runtime, listener, connections, timer, buffers and links to
//! backends. Nothing here is shared with another shard but the pod's few counts.

mod accept;
mod busy_poll;
mod desk;
mod errands;
mod holders;
mod memos;
mod order;
mod peer;
mod thread;

pub(crate) use desk::{DeskKey, Word, cancelled};
pub(crate) use errands::Task;
pub(crate) use memos::Held;
pub(crate) use order::{KeptOrder, Order};
pub(crate) use peer::{Delivery, Peer, Signals, Verified};
pub(crate) use thread::{Common, Parts, Stage, spawn};

use crate::config::ms;
use crate::fanout::Logs;
use crate::kept::Awaited;
use crate::mail::Memo;
use crate::mcp::Changes;
use crate::platform::{self, Key, Told};
use crate::pod::Pod;
use crate::rest;
use crate::terms::Terms;
use crate::tls;
use crate::wheel::{Entry, Tick, Wheel};
use crate::ws::Spare;
use desk::Desk;
use foldhash::HashMap;
use router::Router;
use session_store::{SessionId, Store};
use slab::Slab;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::future::Future;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, mpsc};

/// The wheel's step, and so how exact a connection's timeouts are.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// In so long `drain.rate` connections are told to go. Some clients wait for answers first, others do not, so that more
/// may arrive in a second than were told to go in one.
const TOLD_IN: Duration = Duration::from_millis(1_333);

/// Buffers that every connection of the shard uses in turn, so that none needs its own.
#[derive(Debug)]
pub(crate) struct Scratch {
    pub(crate) input: Box<[u8]>,
    pub(crate) output: Vec<u8>,
    pub(crate) spare: Spare,
    /// Space for what is inflated or deflated.
    pub(crate) zlib: Vec<u8>,
}

impl Scratch {
    const INPUT: usize = 64 * 1024;
    /// Larger buffers are given back to the allocator after use.
    pub(crate) const KEEP: usize = 1024 * 1024;

    fn new() -> Self {
        Self {
            input: vec![0; Self::INPUT].into_boxed_slice(),
            output: Vec::with_capacity(Self::INPUT),
            spare: Spare::default(),
            zlib: Vec::new(),
        }
    }
}

/// What a shard's tasks share. Lives on its thread alone.
pub(crate) struct Shard {
    /// What holds at this moment. It is replaced as a whole, so that whoever looks at it holds it.
    terms: RefCell<Rc<Terms>>,
    pub(crate) pod: Arc<Pod>,
    pub(crate) counters: Arc<metrics::Shard>,
    /// How many sockets may be worked on before they are upgraded.
    places: RefCell<Arc<Semaphore>>,
    /// What the client port speaks TLS with, if it does.
    pub(crate) tls: Option<Arc<tls::Port>>,
    pub(crate) router: Router,
    pub(crate) scratch: RefCell<Scratch>,
    /// When the connection began its turn that has it.
    pub(crate) turn_began: Cell<Instant>,
    pub(crate) peers: RefCell<Slab<Rc<Peer>>>,
    pub(crate) wheel: RefCell<Wheel>,
    pub(crate) store: Store,
    pub(crate) logs: Rc<Logs>,
    pub(crate) desk: RefCell<Desk>,
    /// The sessions that are held here, and by which connection.
    pub(crate) sessions: RefCell<HashMap<SessionId, Held>>,
    /// What operators left for connections to do.
    tasks: RefCell<HashMap<usize, Vec<Task>>>,
    /// Who is to hear that what is offered has changed.
    pub(crate) changes: Changes,
    /// Who waits here for the end of a call that others may wait for too.
    pub(crate) awaited: Awaited,
    /// Who waits here for what clients of Model Context Protocol answer.
    pub(crate) rounds: rest::Rounds,
    /// Every shard of the pod, this one too.
    pub(crate) shards: Arc<[mpsc::Sender<Memo>]>,
    /// Events of the platform that wait for the store.
    telling: Cell<usize>,
    /// Space to write them in.
    text: Cell<Vec<u8>>,
    attempts: Cell<u64>,
    /// Which of the pod's shards this is, from 0.
    index: usize,
    /// Work for the store that nobody waits for, but the end of the shard.
    background: Rc<Cell<usize>>,
    me: Weak<Self>,
    started: Instant,
}

/// A piece of work that counts as long as it is not done.
struct Busy(Rc<Cell<usize>>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

impl Shard {
    fn new(index: usize, common: Common) -> Rc<Self> {
        let Common { terms, pod, dialer, tls, store, shards, watch } = common;
        let log_bytes = terms.config.events.shard_log_bytes;
        let places = accept::places(&terms.config, &pod);
        let counters = Arc::clone(&pod.metrics.shards()[index]);
        let (router, ejected, labels) =
            (Router::new(dialer), Arc::clone(&counters), Arc::clone(&pod.metrics));
        router.on_ejection(move |replica| ejected.ejected(labels.backend_names.place(replica.backend())));
        let store = store.counted(Arc::clone(&counters.operations));
        Rc::new_cyclic(|me| Self {
            counters,
            router,
            scratch: RefCell::new(Scratch::new()),
            turn_began: Cell::new(Instant::now()),
            peers: RefCell::new(Slab::new()),
            wheel: RefCell::new(Wheel::new()),
            logs: Rc::new(Logs::new(index, store.clone(), watch, log_bytes)),
            desk: RefCell::default(),
            sessions: RefCell::default(),
            tasks: RefCell::default(),
            changes: Changes::default(),
            awaited: Awaited::default(),
            rounds: rest::Rounds::default(),
            // Attempts of two shards are never the same.
            attempts: Cell::new((index as u64) << 48),
            index,
            background: Rc::default(),
            me: me.clone(),
            started: Instant::now(),
            store,
            shards,
            telling: Cell::new(0),
            text: Cell::default(),
            terms: RefCell::new(Rc::new(terms)),
            places: RefCell::new(places),
            pod,
            tls,
        })
    }

    /// What holds at this moment.
    pub(crate) fn terms(&self) -> Rc<Terms> {
        Rc::clone(&self.terms.borrow())
    }

    /// From now on these hold. Connections look at them with what comes next.
    fn take_up(&self, terms: Terms) {
        let before = self.terms();
        if before.config.websocket.max_handshakes != terms.config.websocket.max_handshakes {
            // Those that are worked on give their places back to where they had them from.
            *self.places.borrow_mut() = accept::places(&terms.config, &self.pod);
        }
        self.router.tune(&terms.config.router);
        *self.terms.borrow_mut() = Rc::new(terms);
    }

    /// Does work that nobody waits for. What needs no waiting, as with the store in memory, is done at once.
    pub(crate) fn work(&self, work: impl Future<Output = ()> + 'static) {
        self.background.set(self.background.get() + 1);
        let busy = Busy(Rc::clone(&self.background));
        let mut work = Box::pin(async move {
            work.await;
            drop(busy);
        });
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            tokio::task::spawn_local(work);
        }
    }

    /// A number that no other attempt of the pod to begin a call has.
    pub(crate) fn next_attempt(&self) -> u64 {
        let attempt = self.attempts.get() + 1;
        self.attempts.set(attempt);
        attempt
    }

    /// Has an event of the platform published, whose data `write` appends. Where it has to wait for the store it is
    /// published under this key, and dropped if too many wait already.
    pub(crate) fn tell(
        self: &Rc<Self>,
        tenant: &Arc<str>,
        name: &'static str,
        write: impl FnOnce(&mut Vec<u8>),
        key: impl FnOnce() -> Key,
        now: Instant,
    ) {
        let mut data = self.text.take();
        data.clear();
        write(&mut data);
        if let Some(store) = self.store.at_once() {
            if let Err(error) = store.publish_at(tenant, name, &data, now.into()) {
                tracing::warn!(name, %error, "an event of the platform was not stored");
            }
        } else {
            self.tell_later(tenant, name, &data, key());
        }
        self.text.set(data);
    }

    fn tell_later(self: &Rc<Self>, tenant: &Arc<str>, name: &'static str, data: &[u8], key: Key) {
        if self.telling.get() >= platform::WAITING {
            return self.counters.events_dropped.increment();
        }
        self.telling.set(self.telling.get() + 1);
        let told = Told { tenant: Arc::clone(tenant), name, data: data.into(), key };
        let shard = Rc::clone(self);
        self.work(async move {
            platform::publish(&shard.store, told).await;
            shard.telling.set(shard.telling.get() - 1);
        });
    }

    /// The tick of this moment, as of the wheel's last step.
    pub(crate) fn now(&self) -> Tick {
        self.wheel.borrow().now()
    }

    /// Arms a connection's clock for `tick`, unless it looks earlier anyway.
    pub(crate) fn arm(&self, peer: &Peer, tick: Tick) {
        let armed = peer.armed.get();
        if armed == Tick::START || tick < armed {
            peer.armed.set(self.wheel.borrow_mut().arm(peer.key(), tick));
        }
    }

    /// Turns the wheel for as long as the shard lives.
    async fn turn(&self) {
        let mut interval = tokio::time::interval(TICK);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut due: Vec<Entry> = Vec::new();
        loop {
            interval.tick().await;
            let now = Tick::at(self.started.elapsed().as_millis() as u64);
            self.wheel.borrow_mut().advance(now, &mut due);
            let peers = self.peers.borrow();
            for entry in due.drain(..) {
                if let Some(peer) = peers.get(entry.key())
                    && peer.armed.get() == entry.tick
                {
                    peer.armed.set(Tick::START);
                    peer.signal(Signals::CLOCK);
                }
            }
        }
    }

    /// Tells all connections to go, one after another over all shards, so that no more than `drain.rate` a second come to
    /// other pods.
    async fn drain(&self) {
        let shards = self.pod.metrics.shards().len() as u32;
        let turn = TOLD_IN / self.terms().config.drain.rate;
        let first = tokio::time::Instant::now() + turn * self.index as u32;
        let mut turns = tokio::time::interval_at(first, turn * shards);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut told = HashSet::new();
        loop {
            let peers = self.peers.borrow().iter().map(|(key, peer)| (peer.id(), key)).collect::<Vec<_>>();
            // At last those that were upgraded while the others were told.
            let rest: Vec<_> = peers.into_iter().filter(|(id, _)| told.insert(*id)).collect();
            if rest.is_empty() {
                break;
            }
            for (_, key) in rest {
                turns.tick().await;
                if let Some(peer) = self.peers.borrow().get(key) {
                    peer.signal(Signals::DRAIN);
                }
            }
        }
        self.pod.has_told(shards as usize);
        // Calls of sessions that have gone on elsewhere end here.
        while !self.peers.borrow().is_empty() || !self.desk.borrow().is_empty() || self.background.get() > 0 {
            tokio::time::sleep(ms(10)).await;
        }
    }
}
