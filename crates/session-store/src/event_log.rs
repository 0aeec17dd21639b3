//! One log of events for each tenant. It knows no subscription: whoever reads it chooses.
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Bounds, Error, Offset, Position, Tail, bounds};

/// An event to be published.
#[derive(Clone, Copy, Debug)]
pub struct NewEvent<'a> {
    /// Its name: 1 to 128 bytes.
    pub name: &'a str,
    /// Its data, as JSON text.
    pub data: &'a [u8],
}

/// An event of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub offset: Offset,
    /// Its name.
    pub name: Arc<str>,
    /// Its data, as JSON text.
    pub data: Bytes,
}

/// How much one read may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// At most so many events; at least 1.
    pub events: usize,
    /// At most so many bytes of names and data, but always one event.
    pub bytes: usize,
}

/// What a log has behind a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    /// Every event from there on, without a hole.
    Events {
        /// In their order; empty at the end of the log.
        events: Vec<Event>,
        /// The end of the log: behind the last event if `events` reaches it.
        end: Position,
    },
    /// Events are missing: the log no longer reaches back that far, or its epoch is another one.
    Gap {
        /// Behind which the log still has every event; equal to `end` if it has none. After a change of epoch, the
        /// events behind it are none that the reader has.
        resume: Position,
        /// The end of the log.
        end: Position,
    },
}

/// Where the events of tenants are kept in order.
///
/// Contract: events of one tenant and epoch have offsets without a hole, and no two share one; a log that may
/// have lost events gets another epoch, and its readers a [`Page::Gap`], never silence. No tenant sees another's
/// events. A log is bounded by [`Bounds::log_events`](crate::Bounds::log_events),
/// [`Bounds::log_bytes`](crate::Bounds::log_bytes) and [`Bounds::log_age_ms`](crate::Bounds::log_age_ms): at each
/// publish the oldest go, and a log to which nobody publishes for its age is empty.
///
/// # Cancel safety
/// A dropped publish has either taken effect or not; publishing again with the same key makes sure.
pub trait EventLog: Send + Sync + 'static {
    /// Appends an event and tells every tail. Published again with the same key within
    /// [`Bounds::idempotency_ms`](crate::Bounds::idempotency_ms), nothing is appended, and the position is the first
    /// one's.
    ///
    /// # Errors
    /// [`Error::Name`] for a name or key outside 1 to 128 bytes, [`Error::TooLarge`] over
    /// [`Bounds::event_bytes`](crate::Bounds::event_bytes). Nothing was appended then, nor after any error but
    /// [`Error::Unavailable`] and [`Error::Timeout`].
    fn publish(
        &self,
        tenant: &str,
        event: NewEvent<'_>,
        key: Option<&str>,
    ) -> impl Future<Output = Result<Position, Error>> + Send;

    /// Where the log ends now.
    ///
    /// # Errors
    /// None but the store's own.
    fn latest(&self, tenant: &str) -> impl Future<Output = Result<Position, Error>> + Send;

    /// The events behind a position.
    ///
    /// # Errors
    /// None but the store's own; events that are missing are a [`Page::Gap`].
    fn read(
        &self,
        tenant: &str,
        after: Position,
        limit: ReadLimit,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// A new tail, which watches no tenant yet. A process needs one.
    fn tail(&self) -> Tail;
}

/// What an event counts against the bounds of a log and of a read.
pub(crate) fn weigh(name: usize, data: usize) -> usize {
    name + data + 64
}

pub(crate) fn check_event(
    tenant: &str,
    event: &NewEvent<'_>,
    key: Option<&str>,
    limits: &Bounds,
) -> Result<(), Error> {
    bounds::identity(tenant, "")?;
    bounds::name("an event's name", event.name, 1)?;
    if let Some(key) = key {
        bounds::name("an idempotency key", key, 1)?;
    }
    bounds::size("an event's data", limits.event_bytes, event.data.len())
}
