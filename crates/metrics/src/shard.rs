//! What one shard counts. Its thread is the only writer.

use crate::names::OTHER;
use crate::process;
use crate::{Counter, Gauge, Histogram, Names, Operations, Requests, Tools};
use protocol::{CloseCode, ErrorCode, Kind, Method};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Why an upgrade was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Refusal {
    /// The request is not an upgrade of the right form.
    BadRequest,
    /// No token, or not a valid one.
    Unauthorized,
    /// It asked for another host, or is a page's from which none is taken.
    Forbidden,
    /// Nobody from its address is let in.
    Address,
    /// The header of the PROXY protocol is missing, or is none.
    ProxyProtocol,
    /// Its address or its user has as many connections as it may, or its address opens them too fast.
    RateLimited,
    /// Its address opens connections so fast that it is not answered.
    Flood,
    /// As many connections as the pod takes are open, or it drains.
    Unavailable,
    /// The request did not come whole in time.
    Timeout,
    /// No TLS handshake came about.
    Tls,
    /// The client has shown no certificate.
    CertificateMissing,
    /// The client's certificate has expired.
    CertificateExpired,
    /// The client's certificate is of an authority that is not accepted.
    CertificateUnknown,
    /// The client's certificate is not valid for another reason.
    CertificateInvalid,
}

impl Refusal {
    pub(crate) const NAMES: [&'static str; 14] = [
        "bad_request",
        "unauthorized",
        "forbidden",
        "address",
        "proxy_protocol",
        "rate_limited",
        "flood",
        "unavailable",
        "timeout",
        "tls",
        "certificate_missing",
        "certificate_expired",
        "certificate_unknown",
        "certificate_invalid",
    ];

    /// The value of the label.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Which rate a request was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Limit {
    /// That of its connection.
    Connection,
    /// That of its user, over all connections.
    User,
    /// That of its address.
    Address,
    /// That of its tenant.
    Tenant,
    /// That of its method, whoever asks.
    Method,
    /// That of the gateway.
    Gateway,
}

impl Limit {
    pub(crate) const NAMES: [&'static str; 6] =
        ["connection", "user", "address", "tenant", "method", "gateway"];

    /// The name used as a metric label and in answers.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Why a message was not taken for its sender's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Unsigned {
    /// It has no signature, and needs one.
    Missing,
    /// It has one, and its connection has no key.
    NoKey,
    /// The signature is not that of this message by this connection's key.
    Mismatch,
    /// It was signed too long ago, or in the future.
    Timestamp,
    /// Its nonce is not higher than the one before.
    Nonce,
}

impl Unsigned {
    pub(crate) const NAMES: [&'static str; 5] = ["missing", "no_key", "mismatch", "timestamp", "nonce"];

    /// The name used as a metric label and in the audit log.
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What became of a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Resume {
    /// The session goes on here.
    Resumed,
    /// The session goes on, but the log of events no longer reaches back to where the client stood.
    Gap,
    /// There is no such session any more; a fresh one was opened.
    Unknown,
    /// The session is another tenant's or agent's.
    Foreign,
    /// The token is not the session's latest.
    Token,
    /// The same attempt was made again since, and has the session.
    Late,
    /// The store could not be asked.
    Unavailable,
}

impl Resume {
    pub(crate) const NAMES: [&'static str; 7] =
        ["resumed", "gap", "unknown", "foreign", "token", "late", "unavailable"];
}

/// Message types, as labels.
pub(crate) const KINDS: [&str; 6] = ["request", "response", "notification", "error", "ping", "pong"];
/// Methods without a number of their own, and messages without a method, share a label.
const CUSTOM: usize = 0;
const METHODS: usize = Method::ALL.len() + 1;

/// Methods by number, as labels.
pub(crate) const METHOD_NAMES: [&str; METHODS] = {
    let mut names = ["custom"; METHODS];
    let mut at = 0;
    while at < Method::ALL.len() {
        names[Method::ALL[at].code() as usize] = Method::ALL[at].name();
        at += 1;
    }
    names
};

/// Error codes, as labels.
pub(crate) const ERRORS: [&str; ErrorCode::ALL.len()] = {
    let mut names = [""; ErrorCode::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ErrorCode::ALL[at].name();
        at += 1;
    }
    names
};

/// Close codes, as labels, and at last connections that ended without a close frame.
pub(crate) const CLOSES: [&str; CloseCode::ALL.len() + 1] = {
    let mut names = ["abrupt"; CloseCode::ALL.len() + 1];
    let mut at = 0;
    while at < CloseCode::ALL.len() {
        names[at] = CloseCode::ALL[at].name();
        at += 1;
    }
    names
};

/// The counters of a shard.
#[derive(Debug, Default)]
pub struct Shard {
    /// Connections that were upgraded.
    pub connections_opened: Counter,
    /// Connections that ended.
    pub connections_closed: Counter,
    /// Connections that came to speak HTTP.
    pub http_opened: Counter,
    /// Those of them that ended.
    pub http_closed: Counter,
    /// Requests of the REST API.
    pub requests: Requests,
    /// Bytes read from WebSockets.
    pub bytes_received: Counter,
    /// Bytes written to WebSockets.
    pub bytes_sent: Counter,
    /// From the read that brought a message to the write that carries its answer: messages that the
    /// gateway answers itself, and calls to backends.
    pub latency: Histogram,
    /// From the accepted socket to the upgraded connection.
    pub handshakes: Histogram,
    /// From a call's request to its end.
    pub calls: Histogram,
    /// Calls of tools.
    pub tools: Tools,
    /// What the store was asked from this thread.
    pub operations: Arc<Operations>,
    /// Sessions that are held here by a connection.
    pub sessions_attached: Gauge,
    /// Sessions that came from another pod.
    pub session_moves: Counter,
    /// Calls in the journal that run here.
    pub journal_running: Gauge,
    /// Calls in the journal whose answers no client has acknowledged.
    pub journal_unacknowledged: Gauge,
    /// By how many events the subscriber is behind that is furthest behind.
    pub event_lag: Gauge,
    /// Connections with more unsent output than they should have.
    pub slow_readers: Gauge,
    /// Calls sent to backends.
    pub calls_started: Counter,
    /// Calls that ended, in whatever way.
    pub calls_ended: Counter,
    /// Events written to subscribers.
    pub events_delivered: Counter,
    /// Events that clients published.
    pub events_published: Counter,
    /// Events of the platform that were dropped, since too many waited for the store.
    pub events_dropped: Counter,
    /// Times that a subscriber was told that events are missing.
    pub event_gaps: Counter,
    /// Pages that were read from the store for subscribers that lag behind.
    pub event_pages: Counter,
    pub(crate) resumes: [Counter; Resume::NAMES.len()],
    pub(crate) received: [[Counter; METHODS]; KINDS.len()],
    pub(crate) sent: [Counter; KINDS.len()],
    pub(crate) errors: [Counter; ErrorCode::ALL.len()],
    pub(crate) closes: [Counter; CLOSES.len()],
    pub(crate) refusals: [Counter; Refusal::NAMES.len()],
    pub(crate) limited: [Counter; Limit::NAMES.len()],
    pub(crate) unsigned: [Counter; Unsigned::NAMES.len()],
    ejections: Box<[Counter]>,
    /// Nanoseconds in which the thread looked for work and found none.
    polled: Counter,
    /// Nanoseconds of work, as they were told last.
    worked: Gauge,
    thread: OnceLock<String>,
}

impl Shard {
    /// Counters of a shard of a pod that has labels for these names.
    pub(crate) fn new(tools: &Names, backends: &Names) -> Self {
        Self {
            tools: Tools::new(tools.places()),
            ejections: (0..backends.places()).map(|_| Counter::default()).collect(),
            ..Self::default()
        }
    }

    /// A message came in. `method` is `None` for messages without one and for those of backends.
    pub fn received(&self, kind: Kind, method: Option<Method>) {
        let method = method.map_or(CUSTOM, |method| usize::from(method.code()));
        self.received[kind as usize][method].increment();
    }

    /// A message went out.
    pub fn sent(&self, kind: Kind) {
        self.sent[kind as usize].increment();
    }

    /// A request was answered with an error.
    pub fn error(&self, code: ErrorCode) {
        self.errors[usize::from(code.as_u16() - 4000)].increment();
    }

    /// A close frame was sent, or (`None`) a connection ended without one.
    pub fn closed(&self, code: Option<CloseCode>) {
        let index = code
            .and_then(|code| CloseCode::ALL.iter().position(|&known| known == code))
            .unwrap_or(CloseCode::ALL.len());
        self.closes[index].increment();
    }

    /// An upgrade was refused.
    pub fn refused(&self, reason: Refusal) {
        self.refusals[reason as usize].increment();
    }

    /// A request, or a notification, was over this limit.
    pub fn limited(&self, limit: Limit) {
        self.limited[limit as usize].increment();
    }

    /// A message, or a batch that is signed as one, was not taken for its sender's.
    pub fn unsigned(&self, why: Unsigned) {
        self.unsigned[why as usize].increment();
    }

    /// A client asked for its session.
    pub fn resume(&self, outcome: Resume) {
        self.resumes[outcome as usize].increment();
    }

    /// A replica of the backend with this place gets no calls from here for a while.
    pub fn ejected(&self, place: usize) {
        self.ejections.get(place).or(self.ejections.get(OTHER)).map(Counter::increment);
    }

    pub(crate) fn ejections(&self, place: usize) -> u64 {
        self.ejections[place].value()
    }

    /// The calling thread is the shard's.
    pub fn begin(&self) {
        if let Some(file) = process::this_thread() {
            // A shard has one thread.
            let _ = self.thread.set(file);
        }
    }

    /// Its thread looked for work for so long, and found none.
    pub fn polled(&self, time: Duration) {
        self.polled.add(time.as_nanos() as u64);
    }

    /// How long its thread was on a processor, in seconds, without what it looked for work in vain; none before it began and
    /// after it ended.
    pub(crate) fn busy(&self) -> Option<f64> {
        let spent = (process::busy(self.thread.get()?)? * 1e9) as u64;
        // A time on the processor is exact to 10 ms, and a counter never falls.
        self.worked.reach(spent.saturating_sub(self.polled.value()));
        Some(self.worked.value() as f64 / 1e9)
    }
}
