//! Tenants' logs in Redis: a stream each, whose ids are the offsets, so that a page is found by its offset and
//! the oldest events are cut off by theirs. Each event carries the bytes of all before it, which makes the bound
//! on bytes a subtraction. A log notes which run of which server it was written by: a restart or a failover may
//! have lost its newest events, and gives it another epoch.
use std::sync::Arc;

use bytes::Bytes;

use super::RedisStore;
use super::link::Request;
use super::reply::{Reply, damaged};
use super::{milliseconds, scripts};
use crate::event_log::check_event;
use crate::tail::News;
use crate::{Error, Event, EventLog, LogEpoch, NewEvent, Offset, Page, Position, ReadLimit, Tail};

/// The most events that one command brings.
const PAGE: usize = 1_000;

impl RedisStore {
    async fn ask(&self, tenant: &str, after: Option<Position>, limit: ReadLimit) -> Result<Reply, Error> {
        let (epoch, offset) = match after {
            Some(after) => (after.epoch.to_string(), after.offset.0),
            None => (String::new(), 0),
        };
        // Lua counts in doubles.
        let bytes = u32::try_from(limit.bytes).unwrap_or(u32::MAX);
        let request = Request::script(&scripts::READ, &self.inner.keys.log(tenant))
            .arg(LogEpoch::fresh()?.to_string())
            .arg(epoch)
            .arg(offset)
            .arg(limit.events.clamp(1, PAGE))
            .arg(bytes)
            .arg(milliseconds(self.inner.bounds.log_memory()));
        self.script(request).await
    }
}

impl EventLog for RedisStore {
    async fn publish(&self, tenant: &str, event: NewEvent<'_>, key: Option<&str>) -> Result<Position, Error> {
        let limits = &self.inner.bounds;
        check_event(tenant, &event, key, limits)?;
        let mut keys = Vec::from(self.inner.keys.log(tenant));
        keys.extend(key.map(|key| self.inner.keys.publisher(tenant, key)));
        let request = Request::script(&scripts::PUBLISH, &keys)
            .arg(LogEpoch::fresh()?.to_string())
            .arg(event.name)
            .arg(event.data)
            .arg(limits.log_events.max(1))
            .arg(limits.log_bytes)
            .arg(limits.log_age_ms)
            .arg(milliseconds(limits.log_memory()))
            .arg(limits.idempotency_ms)
            .arg(self.inner.keys.news(tenant))
            .arg(self.inner.publish_command());
        self.script(request).await?.position()
    }

    async fn latest(&self, tenant: &str) -> Result<Position, Error> {
        self.ask(tenant, None, ReadLimit { events: 1, bytes: 0 }).await?.position()
    }

    async fn read(&self, tenant: &str, after: Position, limit: ReadLimit) -> Result<Page, Error> {
        let mut reply = self.ask(tenant, Some(after), limit).await?;
        let end = reply.position()?;
        if reply.plain_word() == "gap" {
            let resume = Position { epoch: end.epoch, offset: Offset(reply.next()?) };
            return Ok(Page::Gap { resume, end });
        }
        let mut events = Vec::new();
        while !reply.is_empty() {
            let (offset, name, data) = (Offset(reply.next()?), reply.next::<String>()?, reply.bytes()?);
            events.push(Event { offset, name: Arc::from(name), data });
        }
        Ok(Page::Events { events, end })
    }

    fn tail(&self) -> Tail {
        Tail::new(Arc::clone(&self.inner.tails), &self.inner.bounds)
    }
}

/// An event as it comes over the channel: 16 hexadecimal digits of epoch, 16 digits of offset, 3 of the name's
/// length, the name, the data.
pub(super) fn news(message: &Bytes) -> Result<News, Error> {
    let bad = || damaged("an event of a channel");
    let text = |range| message.get(range).and_then(|bytes| std::str::from_utf8(bytes).ok()).ok_or_else(bad);
    let epoch = u64::from_str_radix(text(0..16)?, 16).map_err(|_| bad())?;
    let offset = text(16..32)?.parse().map_err(|_| bad())?;
    let end = 35 + text(32..35)?.parse::<usize>().map_err(|_| bad())?;
    let name = Arc::from(text(35..end)?);
    Ok(News {
        epoch: LogEpoch(epoch),
        event: Event { offset: Offset(offset), name, data: message.slice(end..) },
    })
}
