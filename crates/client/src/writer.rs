//! Writes what callers queue and what the connection owes, all that is there in one write. Reads nothing.

use std::io;
use std::ops::Range;

use fastwebsockets::{Frame, OpCode, Payload};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;

use crate::calls::Due;
use crate::control::{Duties, Gate};
use crate::shared::Shared;
use crate::wire::Outbound;

/// As many messages wait to be written; over it callers wait.
pub(crate) const QUEUED: usize = 256;
/// A buffer that grew over this is given back.
const BUFFER_KEPT: usize = 1 << 20;

/// What a caller queues. Those of requests are looked up when they are written: some are not wanted any more by then.
pub(crate) enum Parcel {
    /// Requests that go in one frame.
    Requests(Range<u64>),
    /// A notification.
    Notice(Outbound),
}

/// Writes until a close frame was written.
pub(crate) async fn run(
    mut socket: impl AsyncWrite + Unpin,
    queue: &mut mpsc::Receiver<Parcel>,
    shared: &Shared,
) -> io::Result<()> {
    let mut parcels = Vec::new();
    let mut due = Vec::new();
    let mut buffer = Vec::new();
    // Without senders there is nothing to wait for in the queue.
    let (mut open, mut senders) = (false, true);
    loop {
        // Both are cancel safe: whichever loses has taken nothing.
        tokio::select! {
            count = queue.recv_many(&mut parcels, QUEUED), if open && senders => senders = count > 0,
            () = shared.control.called() => {}
        }
        let mut duties = shared.control.take();
        open = duties.gate == Gate::Open;
        for frame in duties.frames.drain(..) {
            append(frame, shared, &mut buffer);
        }
        // The queue is emptied after the duties were taken: what was queued before a close is written before it.
        while open
            && parcels.len() < 2 * QUEUED
            && let Ok(parcel) = queue.try_recv()
        {
            parcels.push(parcel);
        }
        for parcel in parcels.drain(..) {
            match parcel {
                Parcel::Requests(ids) => {
                    shared.calls.claim(ids, &mut due);
                    append_requests(&mut due, shared, &mut buffer);
                }
                Parcel::Notice(frame) => append(frame, shared, &mut buffer),
            }
        }
        if open {
            // A frame each: they have nothing to do with each other.
            shared.calls.claim_errands(&mut due);
            for errand in std::mem::take(&mut due) {
                append(shared.wire.requests(&[errand]), shared, &mut buffer);
            }
            for id in shared.calls.take_dropped() {
                append(shared.wire.cancelled(id), shared, &mut buffer);
            }
        }
        let closing = duties.close.is_some();
        perform(duties, shared, &mut buffer);
        socket.write_all(&buffer).await?;
        socket.flush().await?;
        if closing {
            return Ok(());
        }
        buffer.clear();
        buffer.shrink_to(BUFFER_KEPT);
    }
}

fn perform(duties: Duties, shared: &Shared, buffer: &mut Vec<u8>) {
    for id in duties.pongs {
        append(shared.wire.pong(&id), shared, buffer);
    }
    if let Some(payload) = duties.pong {
        append(Outbound { opcode: OpCode::Pong, payload }, shared, buffer);
    }
    if duties.ping {
        append(Outbound { opcode: OpCode::Ping, payload: Vec::new() }, shared, buffer);
    }
    if let Some((code, reason)) = duties.close {
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(reason.as_bytes());
        append(Outbound { opcode: OpCode::Close, payload }, shared, buffer);
    }
}

/// Appends these requests as one frame, and takes them away.
fn append_requests(due: &mut Vec<Due>, shared: &Shared, buffer: &mut Vec<u8>) {
    if !due.is_empty() {
        append(shared.wire.requests(due), shared, buffer);
        due.clear();
    }
}

/// Appends one masked frame, signed if it has to be: so nonces rise and times are fresh in the order of the wire.
fn append(message: Outbound, shared: &Shared, buffer: &mut Vec<u8>) {
    let message = shared.seal(message);
    let mut frame = Frame::new(true, message.opcode, None, Payload::Owned(message.payload));
    frame.mask();
    let mut head = [0; 16];
    let size = frame.fmt_head(&mut head);
    buffer.extend_from_slice(&head[..size]);
    buffer.extend_from_slice(&frame.payload);
}
