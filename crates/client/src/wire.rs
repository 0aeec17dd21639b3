//! Requests to frames and frames to messages, in the format that the connection speaks. No I/O.

use std::borrow::Cow;
use std::time::Duration;

use fastwebsockets::OpCode;
use protocol::{
    CloseCode, Format, Id, Limits, Message, Meta, Method, Outgoing, Rejection, binary, text, zlib,
};

use crate::Request;
use crate::assembly::{Violation, Whole, violation};

/// A frame to be sent.
pub(crate) struct Outbound {
    pub(crate) opcode: OpCode,
    pub(crate) payload: Vec<u8>,
}

/// How a connection writes and reads its messages.
pub(crate) struct Wire {
    pub(crate) format: Format,
    /// Whether the gateway was told that it may compress in JSON.
    pub(crate) deflate: bool,
    limits: Limits,
}

impl Wire {
    /// A connection's wire; compressed messages may inflate to `limit` bytes.
    pub(crate) fn new(format: Format, deflate: bool, limit: usize) -> Self {
        // What a gateway answers is bounded in bytes; how it is nested or batched is its own affair.
        let limits = Limits {
            depth: Limits::MAX_DEPTH,
            batch: usize::MAX,
            inflated_bytes: limit,
            ..Limits::default()
        };
        Self { format, deflate, limits }
    }

    pub(crate) fn request(&self, id: u64, request: &Request) -> Outbound {
        let mut payload = Vec::new();
        self.write_request(id, request, &mut payload);
        self.frame(payload)
    }

    /// All requests in one frame.
    pub(crate) fn batch(&self, requests: &[(u64, Request)]) -> Outbound {
        let mut payload = Vec::new();
        for (place, (id, request)) in requests.iter().enumerate() {
            if self.format == Format::Json {
                payload.push(if place == 0 { b'[' } else { b',' });
            }
            self.write_request(*id, request, &mut payload);
        }
        if self.format == Format::Json {
            payload.push(b']');
        }
        self.frame(payload)
    }

    pub(crate) fn notification(&self, notification: &Request) -> Outbound {
        let method = notification.method.as_str();
        self.single(&Outgoing::notification(method, notification.params.as_bytes(), None))
    }

    pub(crate) fn cancel(&self, id: u64, cancelled: u64) -> Outbound {
        let params = format!("{{\"id\":{cancelled}}}").into_bytes();
        self.single(&Outgoing::request(Id::Sequence(id), Method::ToolCancel, params, None))
    }

    pub(crate) fn ping(&self, id: u64) -> Outbound {
        self.single(&Outgoing::ping(Some(Id::Sequence(id))))
    }

    /// Answers a ping whose id is this JSON token.
    pub(crate) fn pong(&self, id: &str) -> Outbound {
        self.single(&Outgoing::pong(Some(Id::Token(id)).filter(|_| !id.is_empty())))
    }

    /// Calls `on` for each message of a frame, in order.
    pub(crate) fn read(
        &self,
        frame: Whole,
        scratch: &mut Vec<u8>,
        on: impl FnMut(Result<Message<'_>, Rejection<'_>>),
    ) -> Result<(), Violation> {
        match (self.format, frame) {
            (Format::Json, Whole::Text(json)) => text::decode(&json, &self.limits, on),
            (Format::Json, Whole::Binary(bytes)) if self.deflate => {
                scratch.clear();
                zlib::inflate(&bytes, self.limits.inflated_bytes, scratch).map_err(|error| match error {
                    zlib::InflateError::TooLarge => {
                        violation(CloseCode::TooBig, "a message over the size limit")
                    }
                    zlib::InflateError::Malformed => {
                        violation(CloseCode::InvalidPayload, "a compressed message that is not zlib")
                    }
                })?;
                let json = std::str::from_utf8(scratch)
                    .map_err(|_| violation(CloseCode::InvalidPayload, "text that is not UTF-8"))?;
                text::decode(json, &self.limits, on);
            }
            (Format::Json, Whole::Binary(_)) => {
                return Err(violation(
                    CloseCode::Unsupported,
                    "a binary frame, and compression was not asked for",
                ));
            }
            (Format::Binary, Whole::Binary(bytes)) => binary::decode(&bytes, scratch, &self.limits, on),
            (Format::Binary, Whole::Text(_)) => {
                return Err(violation(CloseCode::Unsupported, "a text frame where all messages are binary"));
            }
        }
        Ok(())
    }

    fn write_request(&self, id: u64, request: &Request, out: &mut Vec<u8>) {
        let meta = Meta {
            traceparent: request.traceparent.as_deref().map(Cow::Borrowed),
            timeout_ms: request.timeout.map(milliseconds),
            ..Meta::default()
        };
        let params = request.params.as_bytes();
        Outgoing::request(Id::Sequence(id), request.method.as_str(), params, Some(&meta))
            .encode(self.format, out);
    }

    fn single(&self, message: &Outgoing<'_>) -> Outbound {
        let mut payload = Vec::with_capacity(message.encoded_len(self.format));
        message.encode(self.format, &mut payload);
        self.frame(payload)
    }

    fn frame(&self, payload: Vec<u8>) -> Outbound {
        let opcode = match self.format {
            Format::Json => OpCode::Text,
            Format::Binary => OpCode::Binary,
        };
        Outbound { opcode, payload }
    }
}

/// Whole milliseconds, rounded up: 0 is no timeout on the wire.
fn milliseconds(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}
