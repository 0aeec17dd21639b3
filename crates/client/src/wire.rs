//! Requests to frames and frames to messages, in the format that the connection speaks. No I/O.

use std::borrow::Cow;
use std::time::Duration;

use fastwebsockets::OpCode;
use protocol::{CloseCode, Format, Id, Limits, Message, Meta, Outgoing, Rejection, binary, text, zlib};
use serde_json::value::RawValue;

use crate::assembly::{Violation, Whole, violation};
use crate::calls::{Due, Question};
use crate::mcp::Speech;
use crate::session::Welcome;
use crate::{Error, Request};

/// A frame to be sent.
pub(crate) struct Outbound {
    pub(crate) opcode: OpCode,
    pub(crate) payload: Vec<u8>,
}

impl Outbound {
    /// Whether it is a frame of messages, not one of RFC 6455 alone.
    pub(crate) const fn has_messages(&self) -> bool {
        matches!(self.opcode, OpCode::Text | OpCode::Binary)
    }
}

/// How a connection writes and reads its messages.
pub(crate) struct Wire {
    pub(crate) format: Format,
    /// Whether the gateway was told that it may compress in JSON.
    pub(crate) deflate: bool,
    /// How Model Context Protocol is spoken, where it is.
    pub(crate) mcp: Option<Speech>,
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
        Self { format, deflate, mcp: None, limits }
    }

    /// That of a client of Model Context Protocol.
    pub(crate) fn speaking(speech: Speech) -> Self {
        Self { mcp: Some(speech), ..Self::new(Format::Json, false, 0) }
    }

    /// The subprotocol that is asked for.
    pub(crate) const fn subprotocol(&self) -> &'static str {
        match (&self.mcp, self.format) {
            (Some(_), _) => "mcp",
            (None, Format::Json) => "mcp.v1",
            (None, Format::Binary) => "mcp.v1.binary",
        }
    }

    /// A request or notification of a caller's, with what it has to have beside that.
    ///
    /// # Errors
    /// It can't be one.
    pub(crate) fn prepared(&self, request: Request) -> Result<Request, Error> {
        match &self.mcp {
            Some(speech) => speech.prepared(request),
            None => Ok(request),
        }
    }

    /// How many bytes a request takes, alone or in a batch; 0 in Model Context Protocol, where no gateway says what it takes and
    /// each request has a frame of its own.
    pub(crate) fn size(&self, id: u64, request: &Request) -> usize {
        if self.mcp.is_some() {
            return 0;
        }
        let meta = meta(request, request.timeout);
        outgoing(id, request, &meta).encoded_len(self.format)
    }

    /// These requests in one frame.
    pub(crate) fn requests(&self, due: &[Due]) -> Outbound {
        let listed = self.format == Format::Json && due.len() != 1;
        let mut payload = Vec::new();
        for (place, due) in due.iter().enumerate() {
            if listed {
                payload.push(if place == 0 { b'[' } else { b',' });
            }
            self.write(due, &mut payload);
        }
        if listed {
            payload.push(b']');
        }
        self.frame(payload)
    }

    /// These requests in as many frames as the gateway wants: each with up to `batch` of them, and with up to `bytes`
    /// unless a single one has more.
    pub(crate) fn frames(&self, due: &[Due], batch: usize, bytes: usize) -> Vec<Outbound> {
        let mut frames = Vec::new();
        let batch = if self.mcp.is_some() { 1 } else { batch };
        let (mut begin, mut size) = (0, 0);
        for (place, next) in due.iter().enumerate() {
            // A comma or bracket each.
            let more = 2 + match &next.question {
                Question::Request(request) => self.size(next.id, request),
                Question::Ping => Outgoing::ping(Some(Id::Sequence(next.id))).encoded_len(self.format),
            };
            if place > begin && (place - begin >= batch || size + more > bytes) {
                frames.push(self.requests(&due[begin..place]));
                (begin, size) = (place, 0);
            }
            size += more;
        }
        if begin < due.len() {
            frames.push(self.requests(&due[begin..]));
        }
        frames
    }

    pub(crate) fn notification(&self, notification: &Request) -> Outbound {
        let method = notification.method.as_str();
        if self.mcp.is_some() {
            let mut payload = Vec::new();
            mcp::write::notification(method, notification.params.as_bytes(), &mut payload);
            return self.frame(payload);
        }
        self.single(&Outgoing::notification(method, notification.params.as_bytes(), None))
    }

    /// Tells a server that nobody awaits the answer to this request any more.
    pub(crate) fn cancelled(&self, id: u64) -> Outbound {
        let mut payload = Vec::new();
        let params = format!("{{\"requestId\":{id}}}");
        mcp::write::notification(mcp::method::CANCELLED, params.as_bytes(), &mut payload);
        self.frame(payload)
    }

    /// Answers a ping whose id is this JSON token.
    pub(crate) fn pong(&self, id: &str) -> Outbound {
        self.single(&Outgoing::pong(Some(Id::Token(id)).filter(|_| !id.is_empty())))
    }

    /// What the first request of a connection was answered with.
    pub(crate) fn welcome(&self, answer: &RawValue) -> Result<Welcome, Error> {
        match &self.mcp {
            Some(speech) => speech.welcome(answer),
            None => Welcome::from_answer(answer),
        }
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

    fn write(&self, due: &Due, out: &mut Vec<u8>) {
        match &due.question {
            Question::Request(request) => match &self.mcp {
                Some(speech) => speech.request(due.id, request, due.timeout, out),
                None => outgoing(due.id, request, &meta(request, due.timeout)).encode(self.format, out),
            },
            Question::Ping => Outgoing::ping(Some(Id::Sequence(due.id))).encode(self.format, out),
        }
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

fn outgoing<'a>(id: u64, request: &'a Request, meta: &'a Meta<'a>) -> Outgoing<'a> {
    Outgoing::request(Id::Sequence(id), request.method.as_str(), request.params.as_bytes(), Some(meta))
}

fn meta(request: &Request, timeout: Option<Duration>) -> Meta<'_> {
    Meta {
        traceparent: request.traceparent.as_deref().map(Cow::Borrowed),
        timeout_ms: timeout.map(milliseconds),
        ..Meta::default()
    }
}

/// Whole milliseconds, rounded up: 0 is no timeout on the wire.
pub(crate) fn milliseconds(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).max(1)
}
