//! Takes sockets from the kernel, and rests where it gives none: a listener that fails stays ready, and would be asked for ever.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// How long the door stays shut when the process is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// The next socket of this listener, sooner or later.
///
/// # Cancel safety
/// Nothing is lost.
pub async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_peers(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no socket could be accepted; trying again in 100 ms");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The peer went away before it was accepted; the next one may be fine.
fn is_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
