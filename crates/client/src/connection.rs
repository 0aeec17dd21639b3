//! The one task of a connection: reads, writes and listens for silence until the connection has ended.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::handshake::Upgraded;
use crate::heartbeat::Listened;
use crate::shared::Shared;
use crate::wire::Outbound;
use crate::{Error, reader, writer};

/// So long each side has for its part of the closing handshake.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

/// Runs a connection to its end. Messages from the peer may have up to `limit` bytes.
pub(crate) async fn run(
    upgraded: Upgraded,
    messages: mpsc::Receiver<Outbound>,
    shared: Arc<Shared>,
    limit: usize,
) {
    let (source, sink) = upgraded.stream.into_split();
    let source = Listened { source: upgraded.early.chain(source), pulse: &shared.pulse };
    // Pinned here and polled by reference: losing a race never drops a read that is half done.
    let mut reader = pin!(reader::run(source, &shared, limit));
    let mut writer = pin!(writer::run(sink, messages, &shared));
    tokio::select! {
        end = &mut reader => {
            shared.end(end.error);
            if let Some((code, reason)) = end.reply {
                shared.control.close(code, &reason);
                let _ = timeout(CLOSE_WAIT, writer).await;
            }
        }
        // The close frame was sent, or nothing can be sent any more: what the peer still says is heard.
        written = &mut writer => {
            let end = timeout(CLOSE_WAIT, reader).await;
            shared.end(match (end, written) {
                (Ok(end), _) => end.error,
                (Err(_), Ok(())) => Error::abnormal("the gateway did not answer the close frame"),
                (Err(_), Err(error)) => Error::abnormal(error.to_string()),
            });
        }
        error = shared.pulse.lost(&shared.control) => shared.end(error),
    }
}
