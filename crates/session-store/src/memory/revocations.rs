//! What is revoked, in one process.
use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::MemoryStore;
use crate::mailbox::lock;
use crate::revocations::check;
use crate::{Error, Revocation, Revocations, Revoked};

/// When each of them ends, and how often that changed.
#[derive(Debug, Default)]
pub(super) struct List {
    deadlines: HashMap<String, Instant>,
    changes: u64,
    news: Arc<Notify>,
}

impl Revocations for MemoryStore {
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Error> {
        check(revocation)?;
        let (now, limit) = (Instant::now(), self.inner.bounds.revocations);
        let mut list = lock(&self.inner.revocations);
        list.deadlines.retain(|_, deadline| *deadline > now);
        let (deadline, is_full) = (now + revocation.ttl, list.deadlines.len() >= limit);
        match list.deadlines.get_mut(&revocation.subject) {
            Some(known) if *known >= deadline => return Ok(()),
            Some(known) => *known = deadline,
            None if is_full => return Err(Error::Full { limit }),
            None => _ = list.deadlines.insert(revocation.subject.clone(), deadline),
        }
        list.changes += 1;
        list.news.notify_one();
        Ok(())
    }

    async fn revoked(&self, known: Option<&str>) -> Result<Option<Revoked>, Error> {
        let now = Instant::now();
        let list = lock(&self.inner.revocations);
        let version = list.changes.to_string();
        if known == Some(&version) {
            return Ok(None);
        }
        let left = list.deadlines.iter().filter(|(_, deadline)| **deadline > now);
        let revocations = left
            .map(|(subject, deadline)| Revocation { subject: subject.clone(), ttl: *deadline - now })
            .collect();
        Ok(Some(Revoked { version, revocations }))
    }

    async fn revocations_changed(&self) {
        let news = Arc::clone(&lock(&self.inner.revocations).news);
        news.notified().await;
    }
}
