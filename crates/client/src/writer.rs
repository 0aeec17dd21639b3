//! Writes what callers queue and what the connection owes, all that is there in one write. Reads nothing.

use std::io;

use fastwebsockets::{Frame, OpCode, Payload};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::control::Duties;
use crate::shared::Shared;
use crate::wire::Outbound;

/// As many messages wait to be written; over it callers wait.
pub(crate) const QUEUED: usize = 256;
/// A buffer that grew over this is given back.
const BUFFER_KEPT: usize = 1 << 20;

/// Writes until a close frame was written or every sender is gone.
pub(crate) async fn run(
    mut socket: impl AsyncWrite + Unpin,
    mut messages: mpsc::Receiver<Outbound>,
    shared: &Shared,
) -> io::Result<()> {
    let mut batch = Vec::new();
    let mut buffer = Vec::new();
    loop {
        // Both are cancel safe: whichever loses has taken nothing.
        let open = tokio::select! {
            count = messages.recv_many(&mut batch, QUEUED) => count > 0,
            () = shared.control.called() => true,
        };
        // Taken before the queue is emptied: the request that a cancel is for always goes first.
        let duties = shared.control.take();
        while batch.len() < 2 * QUEUED
            && let Ok(message) = messages.try_recv()
        {
            batch.push(message);
        }
        for message in batch.drain(..) {
            append(message, &mut buffer);
        }
        let closing = duties.close.is_some();
        perform(duties, shared, &mut buffer);
        socket.write_all(&buffer).await?;
        socket.flush().await?;
        if closing || !open {
            return Ok(());
        }
        buffer.clear();
        buffer.shrink_to(BUFFER_KEPT);
    }
}

fn perform(duties: Duties, shared: &Shared, buffer: &mut Vec<u8>) {
    for cancelled in duties.cancels {
        append(shared.wire.cancel(shared.next_id(), cancelled), buffer);
    }
    for id in duties.pongs {
        append(shared.wire.pong(&id), buffer);
    }
    if let Some(payload) = duties.pong {
        append(Outbound { opcode: OpCode::Pong, payload }, buffer);
    }
    if duties.ping {
        append(Outbound { opcode: OpCode::Ping, payload: Vec::new() }, buffer);
    }
    if let Some((code, reason)) = duties.close {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        append(Outbound { opcode: OpCode::Close, payload }, buffer);
    }
}

/// Appends one masked frame.
fn append(message: Outbound, buffer: &mut Vec<u8>) {
    let mut frame = Frame::new(true, message.opcode, None, Payload::Owned(message.payload));
    frame.mask();
    let mut head = [0; 16];
    let size = frame.fmt_head(&mut head);
    buffer.extend_from_slice(&head[..size]);
    buffer.extend_from_slice(&frame.payload);
}
