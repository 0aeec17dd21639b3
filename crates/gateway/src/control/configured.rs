//! Backends that the configuration lists: each is watched, and is in the directory while it answers.

use super::Backends;
use futures_util::StreamExt;
use protocol::Replica;
use router::{Dialer, Health};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::oneshot;

/// What the instances of these backends begin with, and of no other.
pub(super) const CONFIGURED: &str = "configured:";

/// Follows one backend for as long as it is listed: until the other end of `dropped` is. Then it is taken off the directory.
pub(crate) async fn follow(
    backends: Arc<Backends>,
    address: String,
    dialer: Dialer,
    mut dropped: oneshot::Receiver<()>,
) {
    let instance = format!("{CONFIGURED}{address}");
    let mut listed = None;
    let mut health = pin!(router::watch(address.clone(), dialer));
    loop {
        let health = tokio::select! {
            health = health.next() => health,
            _ = &mut dropped => None,
        };
        let Some(health) = health else { break };
        match health {
            Health::Up(description) => {
                tracing::info!(address, backend = description.name, "a configured backend is up");
                let replica = Replica { instance: instance.clone(), address: address.clone(), description };
                let replica = Arc::new(replica);
                listed = Some(Arc::clone(&replica));
                if let Err(error) = backends.put(replica).await {
                    let backend = listed.as_ref().map(|replica| replica.backend());
                    tracing::error!(address, backend, %error, "a configured backend was not taken");
                }
            }
            Health::Down(reason) => {
                let backend = listed.as_ref().map(|replica: &Arc<Replica>| replica.backend());
                tracing::warn!(address, backend, reason, "a configured backend is down");
                if let Some(replica) = listed.take() {
                    backends.remove(&replica).await;
                }
            }
        }
    }
    let backend = listed.as_ref().map(|replica| replica.backend());
    tracing::info!(address, backend, "a configured backend is not listed any more");
    if let Some(replica) = listed {
        backends.remove(&replica).await;
    }
}
