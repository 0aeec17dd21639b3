//! The door: takes sockets from the kernel and lets the HTTP room work on them.

use super::Shard;
use crate::config::Config;
use crate::http;
use crate::pod::Pod;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// Places for one shard's part of the sockets that are worked on at a time.
pub(super) fn places(config: &Config, pod: &Pod) -> Arc<Semaphore> {
    Arc::new(Semaphore::new((config.websocket.max_handshakes / pod.metrics.shards().len()).max(1)))
}

/// Accepts until it is dropped.
pub(crate) async fn accept(shard: &Rc<Shard>, listener: TcpListener) {
    loop {
        let places = Arc::clone(&shard.places.borrow());
        let Ok(place) = places.acquire_owned().await else { return };
        let (stream, address) = transport::accept(&listener).await;
        let Some(source) = http::look(address.ip(), shard) else { continue };
        let shard = Rc::clone(shard);
        tokio::task::spawn_local(async move {
            http::serve(stream, source, &shard).await;
            drop(place);
        });
    }
}
