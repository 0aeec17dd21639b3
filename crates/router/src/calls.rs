//! The calls in flight of one shard, found by the id that stands on the wire, with their deadlines.
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use slab::Slab;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::link::Link;
use crate::wheel::Wheel;
use crate::{Handler, Sink};

/// An id is a sequence number above this many bits of place.
const PLACE_BITS: u32 = 24;
/// How coarse deadlines are.
const TICK: Duration = Duration::from_millis(10);

/// One call that has not ended.
pub(crate) struct InFlight {
    /// What its starter knows it by.
    pub key: u64,
    /// What the backend knows the present attempt by.
    pub wire_id: u64,
    pub sink: Rc<dyn Sink>,
    pub tag: u64,
    pub handler: Arc<Handler>,
    /// Who has it; none while it waits for its second attempt.
    pub link: Option<Rc<Link>>,
    pub deadline: Instant,
    pub timeout_ms: u32,
    /// Whether the deadline is the handler's own, so that missing it is the replica's failure.
    pub patient: bool,
    /// What to send again; empty where a call must not be repeated.
    pub body: Bytes,
    /// Bytes of partial results and progress so far.
    pub streamed: usize,
    /// A part of the result was delivered.
    pub partial: bool,
    pub retried: bool,
    /// The task that has it, where calls are not multiplexed.
    pub task: Option<AbortHandle>,
}

pub(crate) struct Calls {
    slab: Slab<InFlight>,
    wheel: Wheel,
    sequence: u64,
    origin: Instant,
}

impl Calls {
    pub(crate) fn new(now: Instant) -> Self {
        Self { slab: Slab::new(), wheel: Wheel::new(), sequence: 1, origin: now }
    }

    pub(crate) fn len(&self) -> usize {
        self.slab.len()
    }

    /// Whether there is a place for one more.
    pub(crate) fn has_room(&self) -> bool {
        self.slab.len() < 1 << PLACE_BITS
    }

    /// Adds a call; `make` gets its id. Returns the moment of its deadline as the wheel has it.
    pub(crate) fn insert(&mut self, now: Instant, make: impl FnOnce(u64) -> InFlight) -> Instant {
        let id = self.id(self.slab.vacant_key());
        let call = make(id);
        let deadline = call.deadline;
        let place = self.slab.insert(call);
        self.schedule(place, deadline, now)
    }

    /// The call of this id as its starter knows it.
    pub(crate) fn by_key(&mut self, key: u64) -> Option<(usize, &mut InFlight)> {
        let place = place_of(key);
        self.slab.get_mut(place).filter(|call| call.key == key).map(|call| (place, call))
    }

    /// The call of this id as the wire has it.
    pub(crate) fn by_wire(&mut self, wire_id: u64) -> Option<(usize, &mut InFlight)> {
        let place = place_of(wire_id);
        self.slab.get_mut(place).filter(|call| call.wire_id == wire_id).map(|call| (place, call))
    }

    /// Takes a call out. The place must be one just looked up.
    pub(crate) fn remove(&mut self, place: usize) -> InFlight {
        self.wheel.remove(place);
        self.slab.remove(place)
    }

    /// Gives a call a fresh id on the wire: whatever is sent for the old one is a stray.
    pub(crate) fn renew(&mut self, place: usize) -> u64 {
        let id = self.id(place);
        self.slab[place].wire_id = id;
        id
    }

    /// Wakes a call at `at` instead.
    pub(crate) fn schedule(&mut self, place: usize, at: Instant, now: Instant) -> Instant {
        let tick = self.millis(at, |nanos| nanos.div_ceil(1_000_000)).div_ceil(TICK.as_millis() as u64);
        let now = self.ticks(now);
        let tick = self.wheel.insert(place, tick, now);
        self.at(tick)
    }

    /// When to look for calls that are due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.wheel.next().map(|tick| self.at(tick))
    }

    /// The keys of all calls whose time has come. They stay, without a timer.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<u64> {
        let mut places = Vec::new();
        self.wheel.expire(self.ticks(now), &mut places);
        places.into_iter().map(|place| self.slab[place].key).collect()
    }

    /// The keys of all calls that this link's stream has. A call with a task of its own hears of a
    /// loss itself.
    pub(crate) fn on_stream_of(&self, link: u64) -> Vec<u64> {
        let on =
            |call: &InFlight| call.task.is_none() && call.link.as_ref().is_some_and(|its| its.id == link);
        self.slab.iter().filter(|(_, call)| on(call)).map(|(_, call)| call.key).collect()
    }

    /// Ends every task that has a call.
    pub(crate) fn abort(&mut self) {
        for call in self.slab.drain() {
            if let Some(task) = call.task {
                task.abort();
            }
        }
    }

    fn id(&mut self, place: usize) -> u64 {
        let id = (self.sequence << PLACE_BITS) | place as u64;
        self.sequence = (self.sequence + 1) & (u64::MAX >> PLACE_BITS);
        id
    }

    fn ticks(&self, now: Instant) -> u64 {
        self.millis(now, |nanos| nanos / 1_000_000) / TICK.as_millis() as u64
    }

    /// Milliseconds until then, since there are calls; those of a second's nanoseconds are rounded as told.
    fn millis(&self, at: Instant, round: impl FnOnce(u32) -> u32) -> u64 {
        let past = at.saturating_duration_since(self.origin);
        let millis = past.as_secs().saturating_mul(1_000).saturating_add(round(past.subsec_nanos()).into());
        // Far more than any deadline.
        millis.min(u64::MAX / 2)
    }

    fn at(&self, tick: u64) -> Instant {
        self.origin + Duration::from_millis(tick.saturating_mul(TICK.as_millis() as u64))
    }
}

fn place_of(id: u64) -> usize {
    (id & ((1 << PLACE_BITS) - 1)) as usize
}
