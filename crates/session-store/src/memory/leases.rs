//! The leases of pods that live in one process.
use std::time::Duration;

use tokio::time::Instant;

use super::MemoryStore;
use crate::mailbox::lock;
use crate::{Error, Leases, PodId};

impl Leases for MemoryStore {
    async fn acquire(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        let now = Instant::now();
        let mut leases = lock(&self.inner.leases);
        leases.retain(|_, until| *until > now);
        if leases.contains_key(pod) {
            return Err(Error::Exists { what: "a living pod" });
        }
        leases.insert(pod.clone(), now + ttl);
        Ok(())
    }

    async fn renew(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        let now = Instant::now();
        let mut leases = lock(&self.inner.leases);
        match leases.get_mut(pod).filter(|until| **until > now) {
            Some(until) => *until = now + ttl,
            None => return Err(Error::Unknown { what: "the pod's lease" }),
        }
        Ok(())
    }

    async fn release(&self, pod: &PodId) -> Result<(), Error> {
        lock(&self.inner.leases).remove(pod);
        Ok(())
    }

    async fn alive(&self, pod: &PodId) -> Result<bool, Error> {
        Ok(lock(&self.inner.leases).get(pod).is_some_and(|until| *until > Instant::now()))
    }
}
