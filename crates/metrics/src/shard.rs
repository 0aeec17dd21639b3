//! What one shard counts. Its thread is the only writer.

use crate::{Counter, Histogram, Requests};
use protocol::{CloseCode, ErrorCode, Kind, Method};

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
const KINDS: [&str; 6] = ["request", "response", "notification", "error", "ping", "pong"];
/// Methods without a number of their own, and messages without a method, share a label.
const CUSTOM: usize = 0;
const METHODS: usize = Method::ALL.len() + 1;

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
    resumes: [Counter; Resume::NAMES.len()],
    received: [[Counter; METHODS]; KINDS.len()],
    sent: [Counter; KINDS.len()],
    errors: [Counter; ErrorCode::ALL.len()],
    closes: [Counter; CloseCode::ALL.len() + 1],
    refusals: [Counter; Refusal::NAMES.len()],
    limited: [Counter; Limit::NAMES.len()],
    unsigned: [Counter; Unsigned::NAMES.len()],
}

impl Shard {
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

    pub(crate) fn resume_counts(&self) -> [(&'static str, u64); Resume::NAMES.len()] {
        std::array::from_fn(|i| (Resume::NAMES[i], self.resumes[i].value()))
    }

    pub(crate) fn received_counts(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.received.iter().zip(KINDS).flat_map(|(methods, kind)| {
            methods.iter().enumerate().map(move |(index, counter)| {
                let method = u16::try_from(index).ok().and_then(Method::from_code);
                (kind, method.map_or("custom", Method::name), counter.value())
            })
        })
    }

    pub(crate) fn sent_counts(&self) -> [(&'static str, u64); KINDS.len()] {
        std::array::from_fn(|i| (KINDS[i], self.sent[i].value()))
    }

    pub(crate) fn error_counts(&self) -> [(&'static str, u64); ErrorCode::ALL.len()] {
        std::array::from_fn(|i| (ErrorCode::ALL[i].name(), self.errors[i].value()))
    }

    /// One for each close code, and one for connections that ended without a close frame.
    pub(crate) fn close_counts(&self) -> [(&'static str, u64); CloseCode::ALL.len() + 1] {
        std::array::from_fn(|i| {
            (CloseCode::ALL.get(i).map_or("abrupt", |code| code.name()), self.closes[i].value())
        })
    }

    pub(crate) fn limited_counts(&self) -> [(&'static str, u64); Limit::NAMES.len()] {
        std::array::from_fn(|i| (Limit::NAMES[i], self.limited[i].value()))
    }

    pub(crate) fn unsigned_counts(&self) -> [(&'static str, u64); Unsigned::NAMES.len()] {
        std::array::from_fn(|i| (Unsigned::NAMES[i], self.unsigned[i].value()))
    }

    pub(crate) fn refusal_counts(&self) -> [(&'static str, u64); Refusal::NAMES.len()] {
        std::array::from_fn(|i| (Refusal::NAMES[i], self.refusals[i].value()))
    }
}
