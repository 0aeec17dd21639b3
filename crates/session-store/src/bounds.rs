//! How much may be kept, and for how long: plain data, the same for every store.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The bounds of everything that is stored. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// How long a session that is attached is kept without being renewed. Default 24 hours.
    pub attached_ttl_ms: u64,
    /// The most bytes of a session's state. Default 64 KiB.
    pub state_bytes: usize,
    /// Sessions that the memory store holds. Default 1,000,000.
    pub sessions: usize,
    /// Calls that one session's journal holds. Default 1,024.
    pub journal_calls: usize,
    /// Bytes of outcomes that one session's journal holds. Default 4 MiB.
    pub journal_bytes: usize,
    /// How long a journal keeps an outcome that nobody acknowledges. Default 10 minutes.
    pub journal_age_ms: u64,
    /// Events that one tenant's log holds. Default 10,000.
    pub log_events: usize,
    /// Bytes that one tenant's log holds. Default 16 MiB.
    pub log_bytes: usize,
    /// How long a log keeps an event. Default 1 hour.
    pub log_age_ms: u64,
    /// The most bytes of one event. Default 256 KiB.
    pub event_bytes: usize,
    /// How long a publisher's idempotency key is remembered. Default 10 minutes.
    pub idempotency_ms: u64,
    /// Tenants whose logs the memory store holds. Default 100,000.
    pub logs: usize,
    /// Replicas in the directory. Default 10,000.
    pub replicas: usize,
    /// What is revoked at a time. Default 10,000.
    pub revocations: usize,
    /// The most bytes of one message between pods. Default 8 MiB.
    pub message_bytes: usize,
    /// What may wait for one reader of a tail or of a pod's channel, in bytes. Default 16 MiB.
    pub waiting_bytes: usize,
    /// What may wait for one reader of a tail or of a pod's channel, in messages. Default 8,192.
    pub waiting_messages: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            attached_ttl_ms: 24 * 3_600_000,
            state_bytes: 64 << 10,
            sessions: 1_000_000,
            journal_calls: 1_024,
            journal_bytes: 4 << 20,
            journal_age_ms: 600_000,
            log_events: 10_000,
            log_bytes: 16 << 20,
            log_age_ms: 3_600_000,
            event_bytes: 256 << 10,
            idempotency_ms: 600_000,
            logs: 100_000,
            replicas: 10_000,
            revocations: 10_000,
            message_bytes: 8 << 20,
            waiting_bytes: 16 << 20,
            waiting_messages: 8_192,
        }
    }
}

impl Bounds {
    /// A log's epoch outlives its events, so that a reader of a quiet log is not told of a gap.
    pub(crate) fn log_memory(&self) -> Duration {
        Duration::from_millis(self.log_age_ms) + Duration::from_hours(7 * 24)
    }

    pub(crate) fn attached_ttl(&self) -> Duration {
        Duration::from_millis(self.attached_ttl_ms)
    }
}

/// The most bytes of any name.
const NAME: usize = 128;

pub(crate) fn name(what: &'static str, name: &str, least: usize) -> Result<(), Error> {
    let length = name.len();
    if (least..=NAME).contains(&length) {
        return Ok(());
    }
    Err(Error::Name { what, least, most: NAME, length })
}

/// Request ids are JSON tokens: up to 128 bytes, which escapes and quotes can make longer.
pub(crate) fn request(id: &str) -> Result<(), Error> {
    size("a request's id", 1_024, id.len())
}

pub(crate) fn identity(tenant: &str, agent: &str) -> Result<(), Error> {
    size("a tenant's name", 512, tenant.len())?;
    size("an agent's name", 512, agent.len())
}

pub(crate) fn size(what: &'static str, limit: usize, length: usize) -> Result<(), Error> {
    if length <= limit { Ok(()) } else { Err(Error::TooLarge { what, limit, length }) }
}
