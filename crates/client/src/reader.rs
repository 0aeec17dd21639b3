//! Reads frames until the connection ends and says why it ended. Writes nothing: what has to be answered is left to
//! the writer.

use std::str;

use fastwebsockets::{Frame, OpCode, Role, WebSocket, WebSocketError};
use protocol::CloseCode;
use tokio::io::AsyncRead;

use crate::Error;
use crate::assembly::{Assembly, Violation, violation};
use crate::shared::Shared;

/// How the connection ended.
pub(crate) struct End {
    pub(crate) error: Error,
    /// The close frame that the peer is still to be sent.
    pub(crate) reply: Option<(u16, String)>,
}

impl End {
    /// A message could not be read, and it answers nothing.
    pub(crate) fn not_understood(reason: String) -> Self {
        let reply = (CloseCode::PolicyViolation.as_u16(), "a message that is not understood".to_owned());
        Self { error: Error::Protocol(reason), reply: Some(reply) }
    }
}

/// Reads to the end. Not cancel safe: a dropped future may have eaten a part of a frame.
pub(crate) async fn run(source: impl AsyncRead + Unpin, shared: &Shared, limit: usize) -> End {
    // The library wants to write as well; here it gets nothing to write and nowhere to.
    let mut socket = WebSocket::after_handshake(tokio::io::join(source, tokio::io::sink()), Role::Client);
    socket.set_auto_close(false);
    socket.set_auto_pong(false);
    // Its limit is exclusive and per frame; the assembly's is the one that holds.
    socket.set_max_message_size(limit.saturating_add(1));
    let mut assembly = Assembly::new(limit);
    let mut scratch = Vec::new();
    loop {
        let frame = match socket.read_frame().await {
            Ok(frame) => frame,
            Err(error) => return broken(error),
        };
        if let Err(end) = take(frame, &mut assembly, &mut scratch, shared) {
            return end;
        }
        // Nothing is dropped: what does not fit stays with the peer.
        shared.events.room().await;
        shared.control.room().await;
    }
}

fn take(
    mut frame: Frame<'_>,
    assembly: &mut Assembly,
    scratch: &mut Vec<u8>,
    shared: &Shared,
) -> Result<(), End> {
    let mut head = [0; 16];
    frame.fmt_head(&mut head);
    if head[1] & 0x80 != 0 {
        return Err(violation(CloseCode::ProtocolError, "a masked frame from a server").into());
    }
    match frame.opcode {
        OpCode::Ping | OpCode::Pong | OpCode::Close if frame.payload.len() > 125 => {
            Err(violation(CloseCode::ProtocolError, "a control frame over 125 bytes").into())
        }
        OpCode::Ping => {
            shared.control.pong(frame.payload.to_vec());
            Ok(())
        }
        OpCode::Pong => Ok(()),
        OpCode::Close => Err(closed(&frame.payload)),
        OpCode::Text | OpCode::Binary | OpCode::Continuation => {
            if let Some(message) = assembly.add(frame)? {
                shared.receive(message, scratch)?;
            }
            Ok(())
        }
    }
}

fn closed(payload: &[u8]) -> End {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        if payload.is_empty() {
            // 1005 stands for "no code"; it is never sent, so the reply is a plain 1000.
            let error = Error::Closed { code: 1005, reason: String::new() };
            return End { error, reply: Some((CloseCode::Normal.as_u16(), String::new())) };
        }
        return violation(CloseCode::ProtocolError, "a close frame of one byte").into();
    };
    let code = u16::from_be_bytes(*code);
    let Ok(reason) = str::from_utf8(reason) else {
        return violation(CloseCode::InvalidPayload, "a close reason that is not UTF-8").into();
    };
    if !CloseCode::may_be_received(code) {
        return violation(CloseCode::ProtocolError, "a close code that may not be sent").into();
    }
    End { error: Error::Closed { code, reason: reason.to_owned() }, reply: Some((code, String::new())) }
}

fn broken(error: WebSocketError) -> End {
    match error {
        WebSocketError::UnexpectedEOF => {
            End { error: Error::abnormal("the gateway hung up without a close frame"), reply: None }
        }
        WebSocketError::IoError(error) => End { error: Error::abnormal(error.to_string()), reply: None },
        WebSocketError::FrameTooLarge => violation(CloseCode::TooBig, "a message over the size limit").into(),
        WebSocketError::InvalidUTF8 => violation(CloseCode::InvalidPayload, "text that is not UTF-8").into(),
        WebSocketError::ReservedBitsNotZero => {
            violation(CloseCode::ProtocolError, "reserved bits are set").into()
        }
        WebSocketError::ControlFrameFragmented => {
            violation(CloseCode::ProtocolError, "a fragmented control frame").into()
        }
        WebSocketError::PingFrameTooLarge => {
            violation(CloseCode::ProtocolError, "a control frame over 125 bytes").into()
        }
        _ => violation(CloseCode::ProtocolError, "a frame that is not of RFC 6455").into(),
    }
}

impl From<Violation> for End {
    fn from(Violation { code, reason }: Violation) -> Self {
        Self {
            error: Error::Protocol(format!("{reason} (closed with {})", code.as_u16())),
            reply: Some((code.as_u16(), reason.to_owned())),
        }
    }
}
