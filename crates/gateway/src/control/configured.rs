//! Backends that the configuration lists: each is watched, and is in the directory while it answers.

use super::Backends;
use futures_util::StreamExt;
use protocol::Replica;
use router::{Dialer, Health};
use std::pin::pin;
use std::sync::Arc;

/// What the instances of these backends begin with, and of no other.
pub(super) const CONFIGURED: &str = "configured:";

/// Follows one backend for as long as it is polled.
pub(crate) async fn follow(backends: Arc<Backends>, address: String, dialer: Dialer) {
    let instance = format!("{CONFIGURED}{address}");
    let mut listed = None;
    let mut health = pin!(router::watch(address.clone(), dialer));
    while let Some(health) = health.next().await {
        match health {
            Health::Up(description) => {
                tracing::info!(address, backend = description.name, "a configured backend is up");
                let replica = Replica { instance: instance.clone(), address: address.clone(), description };
                let replica = Arc::new(replica);
                listed = Some(Arc::clone(&replica));
                if let Err(error) = backends.put(replica).await {
                    tracing::error!(address, %error, "a configured backend was not taken");
                }
            }
            Health::Down(reason) => {
                tracing::warn!(address, reason, "a configured backend is down");
                if let Some(replica) = listed.take() {
                    backends.remove(&replica).await;
                }
            }
        }
    }
}
