//! One connection from its upgrade to its end: reads, writes and listens for silence, all in one task.

use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::handshake::Upgraded;
use crate::heartbeat::{Listened, Pulse};
use crate::shared::Shared;
use crate::writer::Parcel;
use crate::{Error, reader, writer};

/// So long each side has for its part of the closing handshake.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// Runs a connection to its end and says why it ended. Messages from the peer may have up to `limit` bytes.
///
/// Dropping the future drops the connection; nothing but notifications is lost from the queue.
pub(crate) async fn run(
    upgraded: Upgraded,
    queue: &mut mpsc::Receiver<Parcel>,
    shared: &Shared,
    pulse: &Pulse,
    limit: usize,
) -> Error {
    let (source, sink) = upgraded.stream.into_split();
    let source = Listened { source: upgraded.early.chain(source), pulse };
    // Pinned here and polled by reference: losing a race never drops a read that is half done.
    let mut reader = pin!(reader::run(source, shared, limit));
    let mut writer = pin!(writer::run(sink, queue, shared));
    tokio::select! {
        end = &mut reader => {
            if let Some((code, reason)) = end.reply {
                shared.control.close(code, &reason);
                let _ = timeout(CLOSE_WAIT, writer).await;
            }
            end.error
        }
        // The close frame was sent, or nothing can be sent any more: what the peer still says is heard.
        written = &mut writer => match (timeout(CLOSE_WAIT, reader).await, written) {
            (Ok(end), _) => end.error,
            (Err(_), Ok(())) => Error::abnormal("the gateway did not answer the close frame"),
            (Err(_), Err(error)) => Error::abnormal(error.to_string()),
        },
        error = pulse.lost(shared) => error,
    }
}
