//! One call as the gateway hands it over, and what comes back. Nothing here knows a connection.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use protocol::pb;

use crate::wire;
use crate::{Failure, Handler};

/// Who calls and for which session, encoded once and shared by every call of the session. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    pub(crate) encoded: Bytes,
}

impl Caller {
    /// A caller of this identity; `session_id` may be empty.
    pub fn new(identity: &pb::Identity, session_id: &str) -> Self {
        Self { encoded: wire::caller(identity, session_id) }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}

/// A call to start. It borrows: everything is copied once, into the bytes that go to the backend.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The handler, from [`Table::tool`](crate::Table::tool) or [`Table::method`](crate::Table::method).
    pub handler: &'a Arc<Handler>,
    /// The method as the client named it. A tool is sent `tools/call` if it is that, else `tool.execute`.
    pub method: &'a str,
    /// JSON text: a tool's args or a method's params. Empty if none were given.
    pub params: &'a [u8],
    /// Who calls.
    pub caller: &'a Caller,
    /// The same for every attempt at one request; the parts stand one behind the other, and may be empty.
    pub idempotency_key: [&'a str; 3],
    /// Begins nothing: the call with this key runs at the backend already. Only for what is joinable.
    pub join: bool,
    /// W3C trace context; empty if there is none.
    pub traceparent: &'a str,
    /// W3C trace state; empty if there is none.
    pub tracestate: &'a str,
    /// The deadline that the caller asked for, bounded by
    /// [`Options::max_timeout_ms`](crate::Options::max_timeout_ms); `None` is the handler's own, or the default.
    pub timeout: Option<Duration>,
}

/// Names a call in flight. Never reused for another call of the same router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallKey(pub(crate) u64);

/// What a call comes back with. Exactly one `Result` or `Failed` ends it, unless it was cancelled. The
/// bytes may share a larger buffer of the connection's: copy what is kept for long.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// How far the call is. Its numbers are finite.
    Progress(pb::Progress),
    /// A part of the result, in order; valid JSON text.
    Partial(Bytes),
    /// The end: valid JSON text.
    Result(Bytes),
    /// The end without a result.
    Failed(Failure),
}

/// Where the events of a call go.
pub trait Sink {
    /// Takes an event of the call that was started with this `tag`. Runs on the shard's thread, from a
    /// task of the router and never from inside [`Router::start`](crate::Router::start) or
    /// [`Router::cancel`](crate::Router::cancel); it may call both. It should only note the event and
    /// wake who waits: while it runs, no other event of the shard is read.
    fn deliver(&self, tag: u64, event: Event);
}
