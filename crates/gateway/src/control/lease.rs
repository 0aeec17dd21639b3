//! The pod's sign of life, and whether the store is in reach.

use crate::mail::Memo;
use crate::pod::Pod;
use session_store::{Error, Leases as _, Store};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

/// Keeps the pod's lease for as long as it is polled. One that ran out is acquired again: what others took over
/// meanwhile stays theirs, and of sessions that were given up meanwhile it is said that they are held here.
pub(crate) async fn keep(store: Store, pod: Arc<Pod>, lease: Duration, shards: Vec<mpsc::Sender<Memo>>) {
    let mut had_lease = false;
    let mut beat = tokio::time::interval(lease / 3);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let (kept, is_fresh) = match store.renew(&pod.id, lease).await {
            Err(Error::Unknown { .. }) => (store.acquire(&pod.id, lease).await, true),
            kept => (kept, false),
        };
        if let Err(error) = kept {
            tracing::debug!(%error, "the pod's lease was not renewed");
        } else {
            if is_fresh && had_lease {
                for shard in &shards {
                    let _ = shard.send(Memo::Verify).await;
                }
            }
            had_lease = true;
        }
    }
}

/// Shows whether the store is in reach, for as long as it is polled.
pub(crate) async fn watch(store: Store, pod: Arc<Pod>) {
    let mut availability = store.availability();
    loop {
        pod.metrics.store(availability.borrow_and_update().is_up());
        if availability.changed().await.is_err() {
            return;
        }
    }
}
