//! One message as both wire formats mean it, borrowed from the frame that it came in. Does not
//! know how it was written down.

use std::borrow::Cow;
use std::fmt;

use crate::json;
use crate::{ErrorCode, Method, Outgoing};

/// A request's id as the client sent it. It comes back as the same token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id<'a> {
    /// The raw JSON token: a string with its quotes and escapes, or an integer.
    Token(&'a str),
    /// The `sequence_id` of `mcp.v1.binary`.
    Sequence(u64),
}

impl<'a> Id<'a> {
    /// A form that is equal for equal ids: a string token is unescaped and escaped anew in the
    /// shortest way, an integer stays as it is, a sequence is written in decimal.
    /// Allocates only for strings with escapes and for sequences.
    pub fn canonical(&self) -> Cow<'a, str> {
        match *self {
            Self::Token(token) if token.contains('\\') => {
                let content = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                let mut out = Vec::with_capacity(token.len());
                json::write_string(&json::unescape(content.unwrap_or(token)), &mut out);
                Cow::Owned(String::from_utf8_lossy(&out).into_owned())
            }
            Self::Token(token) => Cow::Borrowed(token),
            Self::Sequence(number) => Cow::Owned(number.to_string()),
        }
    }
}

/// What a message is: the field `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// Asks for a response; has an id.
    Request = 0,
    /// The result of a request.
    Response = 1,
    /// Asks for nothing; has no id.
    Notification = 2,
    /// Why a request has no result.
    Error = 3,
    /// Asks for a pong.
    Ping = 4,
    /// Answers a ping.
    Pong = 5,
}

impl Kind {
    /// Every kind, by number.
    pub const ALL: [Self; 6] =
        [Self::Request, Self::Response, Self::Notification, Self::Error, Self::Ping, Self::Pong];

    /// The kind of this number; `None` for a number that has no meaning here.
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Request),
            1 => Some(Self::Response),
            2 => Some(Self::Notification),
            3 => Some(Self::Error),
            4 => Some(Self::Ping),
            5 => Some(Self::Pong),
            _ => None,
        }
    }

    /// The number on the wire.
    pub const fn as_u8(self) -> u8 {
        self as u8
    }

    /// The name used as a metric label and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Notification => "notification",
            Self::Error => "error",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

/// The method of a request or notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodName<'a> {
    /// One of the platform's own.
    Known(Method),
    /// Any other, not empty; owned only where it was written with escapes.
    Custom(Cow<'a, str>),
}

impl<'a> MethodName<'a> {
    /// Tells the platform's own methods from others.
    pub fn of(name: Cow<'a, str>) -> Self {
        match Method::from_name(&name) {
            Some(method) => Self::Known(method),
            None => Self::Custom(name),
        }
    }

    /// The name on the wire of `mcp.v1`.
    pub fn name(&self) -> &str {
        match self {
            Self::Known(method) => method.name(),
            Self::Custom(name) => name,
        }
    }

    /// The number on the wire of `mcp.v1.binary`; 0 for a custom method.
    pub const fn code(&self) -> u16 {
        match self {
            Self::Known(method) => method.code(),
            Self::Custom(_) => 0,
        }
    }
}

impl From<Method> for MethodName<'_> {
    fn from(method: Method) -> Self {
        Self::Known(method)
    }
}

impl<'a> From<&'a str> for MethodName<'a> {
    fn from(name: &'a str) -> Self {
        Self::of(Cow::Borrowed(name))
    }
}

impl fmt::Display for MethodName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What travels with a request beside its params.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta<'a> {
    /// W3C trace context, as sent: its own syntax is not checked here.
    pub traceparent: Option<Cow<'a, str>>,
    /// W3C trace state, as sent.
    pub tracestate: Option<Cow<'a, str>>,
    /// How long the caller waits, in milliseconds from the receipt; never 0.
    pub timeout_ms: Option<u64>,
}

impl Meta<'_> {
    /// Whether nothing is set.
    pub const fn is_empty(&self) -> bool {
        self.traceparent.is_none() && self.tracestate.is_none() && self.timeout_ms.is_none()
    }
}

/// One message, borrowed from the frame that it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Always set for a request, never for a notification.
    pub id: Option<Id<'a>>,
    /// The type.
    pub kind: Kind,
    /// Set for requests and notifications only.
    pub method: Option<MethodName<'a>>,
    /// `params`, `result` or `error`, by kind, as validated JSON text; "" if absent.
    pub body: &'a str,
    /// Requests and notifications; empty for all others.
    pub meta: Meta<'a>,
    /// The offset in the event log of a notification that stands in it.
    pub seq: Option<u64>,
}

/// A message that is not of the wire's form, with what to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection<'a> {
    /// The message's id if it could be read.
    pub id: Option<Id<'a>>,
    /// The method's number if it could be read and has one; else 0.
    pub method_code: u16,
    /// Which error to answer.
    pub code: ErrorCode,
    /// What was wrong and what would be right.
    pub message: Cow<'static, str>,
}

impl<'a> Rejection<'a> {
    /// The error message to send back.
    pub fn answer(&self) -> Outgoing<'a> {
        Outgoing::error(self.id, self.method_code, self.code, &self.message, None)
    }
}
