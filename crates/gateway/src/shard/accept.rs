//! The door: takes sockets from the kernel and lets the HTTP room work on them.

use super::Shard;
use crate::http;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Accepts until it is dropped.
pub(crate) async fn accept(shard: &Rc<Shard>, listener: TcpListener) {
    let shards = shard.pod.metrics.shards().len();
    let places = Arc::new(Semaphore::new((shard.config.websocket.max_handshakes / shards).max(1)));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let (stream, address) = transport::accept(&listener).await;
        let Some(source) = http::look(address.ip(), shard) else { continue };
        let shard = Rc::clone(shard);
        tokio::task::spawn_local(async move {
            http::serve(stream, source, &shard).await;
            drop(place);
        });
    }
}
