//! The door: takes sockets from the kernel and lets the HTTP room work on them.

use super::Shard;
use crate::http;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How long the door stays shut when the process is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts until it is dropped.
pub(crate) async fn accept(shard: &Rc<Shard>, listener: TcpListener) {
    let shards = shard.pod.metrics.shards().len();
    let places = Arc::new(Semaphore::new((shard.config.websocket.max_handshakes / shards).max(1)));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, address)) => {
                let Some(source) = http::look(address.ip(), shard) else { continue };
                let shard = Rc::clone(shard);
                tokio::task::spawn_local(async move {
                    http::serve(stream, source, &shard).await;
                    drop(place);
                });
            }
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
