//! Tenants' event logs in memory.
use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use foldhash::{HashMap, HashMapExt as _};
use tokio::time::Instant;

use super::MemoryStore;
use super::clock::{Nanos, millis};
use crate::event_log::{check_event, weigh};
use crate::mailbox::lock;
use crate::tail::News;
use crate::{Bounds, Error, Event, EventLog, LogEpoch, NewEvent, Offset, Page, Position, ReadLimit, Tail};

/// The most bytes of events' data in one allocation, unless one alone has more.
const MAX_CHUNK: usize = 64 * 1024;

/// The events have offsets without a hole up to `end`.
#[derive(Debug)]
pub(super) struct Log {
    epoch: LogEpoch,
    end: u64,
    events: VecDeque<(Nanos, Event)>,
    bytes: usize,
    /// Where the data of the next events goes, one behind the other: as they come and go in their order, few of them have an
    /// allocation of their own.
    chunk: BytesMut,
    keys: HashMap<Arc<str>, Position>,
    key_order: VecDeque<(Nanos, Arc<str>)>,
}

impl Log {
    fn new() -> Result<Self, Error> {
        Ok(Self {
            epoch: LogEpoch::fresh()?,
            end: 0,
            events: VecDeque::new(),
            bytes: 0,
            chunk: BytesMut::new(),
            keys: HashMap::new(),
            key_order: VecDeque::new(),
        })
    }

    fn end(&self) -> Position {
        Position { epoch: self.epoch, offset: Offset(self.end) }
    }

    fn forget_keys(&mut self, limits: &Bounds, now: Nanos) {
        let window = millis(limits.idempotency_ms);
        while let Some((since, _)) = self.key_order.front() {
            if now.saturating_sub(*since) < window && self.key_order.len() <= limits.log_events {
                return;
            }
            if let Some((_, key)) = self.key_order.pop_front() {
                self.keys.remove(&key);
            }
        }
    }

    fn keep(&mut self, data: &[u8]) -> Bytes {
        if self.chunk.capacity() < data.len() {
            // A log of little data has small ones: they are kept for as long as one event of theirs is.
            self.chunk =
                BytesMut::with_capacity((self.bytes / 8).clamp(data.len(), MAX_CHUNK.max(data.len())));
        }
        self.chunk.extend_from_slice(data);
        self.chunk.split().freeze()
    }

    fn append(&mut self, name: &str, data: &[u8], limits: &Bounds, now: Nanos) -> Event {
        self.end += 1;
        let data = self.keep(data);
        let last = self.events.back().map(|(_, event)| &event.name);
        let event = Event {
            offset: Offset(self.end),
            // Mostly the same few names follow one another.
            name: last.filter(|last| ***last == *name).map_or_else(|| Arc::from(name), Arc::clone),
            data,
        };
        self.bytes += weigh(event.name.len(), event.data.len());
        self.events.push_back((now, event.clone()));
        let age = millis(limits.log_age_ms);
        while let Some((since, _)) = self.events.front() {
            let over = self.events.len() > limits.log_events || self.bytes > limits.log_bytes;
            if self.events.len() == 1 || (!over && now.saturating_sub(*since) < age) {
                break;
            }
            if let Some((_, old)) = self.events.pop_front() {
                self.bytes -= weigh(old.name.len(), old.data.len());
            }
        }
        event
    }

    /// A log to which nobody has published for its age has nothing that is young enough.
    fn expire(&mut self, limits: &Bounds, now: Nanos) {
        let age = millis(limits.log_age_ms);
        if self.events.back().is_some_and(|(since, _)| now.saturating_sub(*since) >= age) {
            self.events.clear();
            self.chunk = BytesMut::new();
            self.bytes = 0;
        }
    }

    fn read(&self, after: Position, limit: ReadLimit) -> Page {
        let end = self.end();
        let before_first = self.end - self.events.len() as u64;
        if after.epoch != self.epoch || after.offset.0 < before_first || after.offset.0 > self.end {
            let resume = Position { epoch: self.epoch, offset: Offset(before_first) };
            return Page::Gap { resume, end };
        }
        let known = usize::try_from(after.offset.0 - before_first).unwrap_or(usize::MAX);
        let mut bytes = 0;
        let events = self.events.iter().skip(known).take(limit.events.max(1)).map(|(_, event)| event);
        let events = events.take_while(|event| {
            let first = bytes == 0;
            bytes += weigh(event.name.len(), event.data.len());
            first || bytes <= limit.bytes
        });
        Page::Events { events: events.cloned().collect(), end }
    }
}

impl MemoryStore {
    fn log<T>(&self, tenant: &str, now: Nanos, work: impl FnOnce(&mut Log) -> T) -> Result<T, Error> {
        let limits = &self.inner.bounds;
        let mut logs = lock(&self.inner.logs);
        if let Some(log) = logs.prolong_at(tenant, limits.log_memory(), now) {
            log.expire(limits, now);
            return Ok(work(log));
        }
        logs.insert(Arc::from(tenant), Log::new()?, limits.log_memory())?;
        logs.find_at(tenant, now).map(work).ok_or(Error::Unknown { what: "the log" })
    }

    /// As [`EventLog::publish`], at once and without a key; the moment is the caller's, who has looked at the clock.
    ///
    /// # Errors
    /// Those of [`EventLog::publish`].
    pub fn publish_at(&self, tenant: &str, name: &str, data: &[u8], now: Instant) -> Result<(), Error> {
        check_event(tenant, &NewEvent { name, data }, None, &self.inner.bounds)?;
        let now = self.inner.clock.at(now);
        self.log(tenant, now, |log| self.append(tenant, log, name, data, now))
    }

    /// While the log is locked, so that tails see events in their order.
    fn append(&self, tenant: &str, log: &mut Log, name: &str, data: &[u8], now: Nanos) {
        let event = log.append(name, data, &self.inner.bounds, now);
        self.inner.tails.deliver(tenant, &News { epoch: log.epoch, event });
    }
}

impl EventLog for MemoryStore {
    async fn publish(&self, tenant: &str, event: NewEvent<'_>, key: Option<&str>) -> Result<Position, Error> {
        let (limits, now) = (&self.inner.bounds, self.inner.clock.now());
        check_event(tenant, &event, key, limits)?;
        self.log(tenant, now, |log| {
            log.forget_keys(limits, now);
            if let Some(position) = key.and_then(|key| log.keys.get(key)) {
                return *position;
            }
            self.append(tenant, log, event.name, event.data, now);
            let position = log.end();
            if let Some(key) = key {
                let key: Arc<str> = Arc::from(key);
                log.keys.insert(Arc::clone(&key), position);
                log.key_order.push_back((now, key));
            }
            position
        })
    }

    async fn latest(&self, tenant: &str) -> Result<Position, Error> {
        self.log(tenant, self.inner.clock.now(), |log| log.end())
    }

    async fn read(&self, tenant: &str, after: Position, limit: ReadLimit) -> Result<Page, Error> {
        self.log(tenant, self.inner.clock.now(), |log| log.read(after, limit))
    }

    fn tail(&self) -> Tail {
        Tail::new(Arc::clone(&self.inner.tails), &self.inner.bounds)
    }
}
