//! Whole messages out of frames: what RFC 6455 demands of fragments and the frame reader does not check. No I/O.

use bytes::BytesMut;
use fastwebsockets::{Frame, OpCode, Payload};
use protocol::CloseCode;

/// As many fragments may make up one message; empty ones count.
const FRAGMENTS: usize = 65_536;

/// One whole message.
pub(crate) enum Whole {
    Text(String),
    Binary(BytesMut),
}

/// Why a frame is refused: the close code to send and the reason in words.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) code: CloseCode,
    pub(crate) reason: &'static str,
}

pub(crate) const fn violation(code: CloseCode, reason: &'static str) -> Violation {
    Violation { code, reason }
}

/// The message that is being received.
pub(crate) struct Assembly {
    limit: usize,
    begun: Option<Begun>,
}

struct Begun {
    opcode: OpCode,
    bytes: BytesMut,
    fragments: usize,
}

impl Assembly {
    /// Takes messages of up to `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, begun: None }
    }

    /// Adds a data frame; returns the message that it completes.
    pub(crate) fn add(&mut self, frame: Frame<'_>) -> Result<Option<Whole>, Violation> {
        let fin = frame.fin;
        let (opcode, bytes) = match (frame.opcode, self.begun.take()) {
            (OpCode::Continuation, None) => {
                return Err(violation(CloseCode::ProtocolError, "a continuation without a start"));
            }
            (OpCode::Continuation, Some(mut begun)) => {
                begun.fragments += 1;
                if begun.bytes.len() + frame.payload.len() > self.limit {
                    return Err(violation(CloseCode::TooBig, "a message over the size limit"));
                }
                if begun.fragments > FRAGMENTS {
                    return Err(violation(CloseCode::PolicyViolation, "a message in too many fragments"));
                }
                begun.bytes.extend_from_slice(&frame.payload);
                if !fin {
                    self.begun = Some(begun);
                    return Ok(None);
                }
                (begun.opcode, begun.bytes)
            }
            (_, Some(_)) => {
                return Err(violation(CloseCode::ProtocolError, "a new message inside a fragmented one"));
            }
            (opcode, None) => {
                let bytes = owned(frame.payload);
                if bytes.len() > self.limit {
                    return Err(violation(CloseCode::TooBig, "a message over the size limit"));
                }
                if !fin {
                    self.begun = Some(Begun { opcode, bytes, fragments: 1 });
                    return Ok(None);
                }
                (opcode, bytes)
            }
        };
        if opcode == OpCode::Text {
            let text = String::from_utf8(bytes.into())
                .map_err(|_| violation(CloseCode::InvalidPayload, "text that is not UTF-8"))?;
            return Ok(Some(Whole::Text(text)));
        }
        Ok(Some(Whole::Binary(bytes)))
    }
}

fn owned(payload: Payload<'_>) -> BytesMut {
    match payload {
        Payload::Bytes(bytes) => bytes,
        other => BytesMut::from(&other[..]),
    }
}
