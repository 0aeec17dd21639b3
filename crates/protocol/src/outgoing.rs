//! A message on its way out, in either format. Trusts its maker that bodies are JSON.

use std::borrow::Cow;

use crate::json::{string_len, write_string};
use crate::{ErrorCode, Id, Kind, Meta, MethodName, binary, text};

/// How messages are written down on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `mcp.v1`: JSON text.
    Json,
    /// `mcp.v1.binary`: a 24-byte header and a JSON payload.
    Binary,
}

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The type.
    pub kind: Kind,
    /// `None` is `null` in JSON errors, left out in other JSON, and 0 in binary. In binary a token
    /// that is an unsigned integer becomes the sequence_id, any other becomes 0.
    pub id: Option<Id<'a>>,
    /// The number in the binary header; unused in JSON.
    pub method_code: u16,
    /// The name of a request's or notification's method; "" for others.
    pub method_name: Cow<'a, str>,
    /// JSON text of params, result or error. Empty: `null` for a result, left out otherwise.
    pub body: Cow<'a, [u8]>,
    /// The offset of an event, from 1: `seq` in JSON, sequence_id in binary. Notifications only.
    pub seq: Option<u64>,
    /// What goes with a request. A binary request with it is sent as method 0, since the header
    /// has no place for it.
    pub meta: Option<&'a Meta<'a>>,
    /// Binary only: `body` is already the whole payload, zlib-compressed.
    pub compressed: bool,
}

impl<'a> Outgoing<'a> {
    const fn bare(kind: Kind, id: Option<Id<'a>>) -> Self {
        Self {
            kind,
            id,
            method_code: 0,
            method_name: Cow::Borrowed(""),
            body: Cow::Borrowed(&[]),
            seq: None,
            meta: None,
            compressed: false,
        }
    }

    fn named(kind: Kind, id: Option<Id<'a>>, method: MethodName<'a>, body: Cow<'a, [u8]>) -> Self {
        let method_code = method.code();
        let method_name = match method {
            MethodName::Known(method) => Cow::Borrowed(method.name()),
            MethodName::Custom(name) => name,
        };
        Self { method_code, method_name, body, ..Self::bare(kind, id) }
    }

    /// The result of a request, as JSON text; empty means `null`.
    pub fn response(id: Id<'a>, method_code: u16, result: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { method_code, body: result.into(), ..Self::bare(Kind::Response, Some(id)) }
    }

    /// Why a request has no result. `details` is JSON text. `id` is `None` if it could not be read.
    pub fn error(
        id: Option<Id<'a>>,
        method_code: u16,
        code: ErrorCode,
        message: &str,
        details: Option<&[u8]>,
    ) -> Self {
        let room = 32 + string_len(message) + details.map_or(0, |details| details.len() + 11);
        let mut body = Vec::with_capacity(room);
        body.extend_from_slice(b"{\"code\":");
        body.extend_from_slice(itoa::Buffer::new().format(code.as_u16()).as_bytes());
        body.extend_from_slice(b",\"message\":");
        write_string(message, &mut body);
        if let Some(details) = details {
            body.extend_from_slice(b",\"details\":");
            body.extend_from_slice(details);
        }
        body.push(b'}');
        Self { method_code, body: Cow::Owned(body), ..Self::bare(Kind::Error, id) }
    }

    /// Tells something. `params` is JSON text, empty for none; `seq` is set for logged events.
    pub fn notification(
        method: impl Into<MethodName<'a>>,
        params: impl Into<Cow<'a, [u8]>>,
        seq: Option<u64>,
    ) -> Self {
        Self { seq, ..Self::named(Kind::Notification, None, method.into(), params.into()) }
    }

    /// Asks for something. `params` is JSON text, empty for none.
    pub fn request(
        id: Id<'a>,
        method: impl Into<MethodName<'a>>,
        params: impl Into<Cow<'a, [u8]>>,
        meta: Option<&'a Meta<'a>>,
    ) -> Self {
        Self { meta, ..Self::named(Kind::Request, Some(id), method.into(), params.into()) }
    }

    /// Asks for a pong.
    pub const fn ping(id: Option<Id<'a>>) -> Self {
        Self::bare(Kind::Ping, id)
    }

    /// Answers a ping with its id.
    pub const fn pong(id: Option<Id<'a>>) -> Self {
        Self::bare(Kind::Pong, id)
    }

    /// How many bytes [`Self::encode`] appends, exactly.
    pub fn encoded_len(&self, format: Format) -> usize {
        match format {
            Format::Json => text::encoded_len(self),
            Format::Binary => binary::encoded_len(self),
        }
    }

    /// Appends the message to `out`. Allocates nothing but what `out` needs to grow.
    pub fn encode(&self, format: Format, out: &mut Vec<u8>) {
        match format {
            Format::Json => text::encode(self, out),
            Format::Binary => binary::encode(self, out),
        }
    }
}
