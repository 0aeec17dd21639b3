//! The pod's one tail of the store's news, handed to the shards that read the tenant.

use crate::mail::Memo;
use session_store::{Notice, Tail};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// A shard wants a tenant's news, or wants them no longer.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) shard: usize,
    pub(crate) tenant: Arc<str>,
    pub(crate) wanted: bool,
}

/// Hands news to the shards for as long as it is polled. A shard that is slow holds them back: what then is too much
/// for the tail comes as a check. `tenants` is told whose logs are read.
pub(crate) async fn follow(
    tail: Tail,
    mut watches: mpsc::UnboundedReceiver<Watch>,
    shards: Vec<mpsc::Sender<Memo>>,
    tenants: watch::Sender<Arc<[Arc<str>]>>,
) {
    let mut watched: HashMap<Arc<str>, HashSet<usize>> = HashMap::new();
    loop {
        let (notice, to) = tokio::select! {
            // First: a shard has its check before any event.
            biased;
            watch = watches.recv() => {
                let Some(Watch { shard, tenant, wanted }) = watch else { return };
                if !wanted {
                    if let Some(readers) = watched.get_mut(&tenant) {
                        readers.remove(&shard);
                        if readers.is_empty() {
                            watched.remove(&tenant);
                            tail.unwatch(&tenant);
                            tenants.send_replace(watched.keys().cloned().collect());
                        }
                    }
                    continue;
                }
                let readers = watched.entry(Arc::clone(&tenant)).or_default();
                readers.insert(shard);
                if readers.len() == 1 {
                    // Its check comes from the tail.
                    tail.watch(&tenant);
                    tenants.send_replace(watched.keys().cloned().collect());
                    continue;
                }
                (Notice::Check { tenant }, vec![shard])
            }
            notice = tail.next() => {
                let (Notice::Event { tenant, .. } | Notice::Check { tenant }) = &notice;
                let readers = watched.get(tenant).map(|readers| readers.iter().copied().collect());
                (notice, readers.unwrap_or_default())
            }
        };
        for shard in to {
            // A shard that is gone needs no news.
            let _ = shards[shard].send(Memo::Log(notice.clone())).await;
        }
    }
}
