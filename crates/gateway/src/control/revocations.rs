//! Revocations: applied here at once, and shared with all pods by the store.

use crate::mail::Memo;
use crate::patience::Patience;
use crate::pod::Pod;
use crate::revoked::{Revoked, Subject};
use session_store::{Error, Revocation, Revocations as _, Store};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What this pod knows to be revoked.
#[derive(Debug)]
pub(crate) struct Revocations {
    store: Store,
    pod: Arc<Pod>,
    shards: Vec<mpsc::Sender<Memo>>,
    /// How many there may be.
    most: usize,
    known: Mutex<HashMap<Subject, Known>>,
}

#[derive(Debug)]
struct Known {
    until: Instant,
    /// Whether the store had it when it was last asked.
    shared: bool,
}

impl Revocations {
    pub(crate) fn new(store: Store, pod: Arc<Pod>, shards: Vec<mpsc::Sender<Memo>>, most: usize) -> Self {
        Self { store, pod, shards, most, known: Mutex::default() }
    }

    /// Revokes here at once, then everywhere.
    ///
    /// # Errors
    /// [`Error::Full`] if too much is revoked already; nothing was done then. After any other the pods that this one
    /// can't reach follow as soon as it can.
    ///
    /// # Cancel safety
    /// What was begun goes on: a dropped future has revoked here, and shares it later.
    pub(crate) async fn revoke(&self, subject: Subject, ttl: Duration) -> Result<(), Error> {
        let is_full = self.with_known(|known| known.len() >= self.most && !known.contains_key(&subject));
        if is_full {
            return Err(Error::Full { limit: self.most });
        }
        self.learn(vec![(subject.clone(), ttl)], false).await;
        match self.share(&subject, ttl).await {
            Err(Error::Full { limit }) => {
                Err(Error::Unavailable { reason: format!("it has {limit} revocations and takes no more") })
            }
            shared => shared,
        }
    }

    /// Learns of what other pods revoke, and shares what they don't know, for as long as it is polled.
    /// A store that loses them without a word is told again within `check`.
    pub(crate) async fn follow(self: Arc<Self>, mut version: Option<String>, check: Duration) {
        loop {
            let wait = self.with_known(|known| known.values().map(|known| known.until).min());
            let wait = wait.map_or(check, |until| until.saturating_duration_since(Instant::now()).min(check));
            let _ = tokio::time::timeout(wait, self.store.revocations_changed()).await;
            let mut patience = Patience::new();
            while let Err(error) = self.try_sync(&mut version).await {
                tracing::debug!(%error, "revocations were not shared");
                if !patience.wait(&self.store).await {
                    return;
                }
            }
        }
    }

    /// Once; `version` is that of the list that was read last.
    pub(crate) async fn sync(&self, version: &mut Option<String>) {
        if let Err(error) = self.try_sync(version).await {
            tracing::debug!(%error, "revocations were not shared");
        }
    }

    async fn try_sync(&self, version: &mut Option<String>) -> Result<(), Error> {
        match self.store.revoked(version.as_deref()).await? {
            None => self.learn(Vec::new(), false).await,
            Some(list) => {
                let mut found = Vec::with_capacity(list.revocations.len());
                for Revocation { subject, ttl } in list.revocations {
                    match serde_json::from_str(&subject) {
                        Ok(subject) => found.push((subject, ttl)),
                        Err(error) => tracing::warn!(%error, "a revocation of another pod is not understood"),
                    }
                }
                // A store that has lost what it had is told again.
                self.with_known(|known| known.values_mut().for_each(|known| known.shared = false));
                self.learn(found, true).await;
                *version = Some(list.version);
            }
        }
        let now = Instant::now();
        let unshared: Vec<_> = self.with_known(|known| {
            let unshared = known.iter().filter(|(_, known)| !known.shared && known.until > now);
            unshared.map(|(subject, known)| (subject.clone(), known.until - now)).collect()
        });
        for (subject, ttl) in unshared {
            self.share(&subject, ttl).await?;
        }
        Ok(())
    }

    async fn share(&self, subject: &Subject, ttl: Duration) -> Result<(), Error> {
        self.store.revoke(&Revocation { subject: subject.encode(), ttl }).await?;
        self.with_known(|known| {
            if let Some(known) = known.get_mut(subject) {
                known.shared = true;
            }
        });
        Ok(())
    }

    /// Takes these up, forgets what has run out, and has all connections look whether their holders are still
    /// recognised.
    async fn learn(&self, found: Vec<(Subject, Duration)>, shared: bool) {
        let now = Instant::now();
        let is_more = self.with_known(|known| {
            let before = known.len();
            known.retain(|_, known| known.until > now);
            let left = known.len();
            for (subject, ttl) in found {
                let one = known.entry(subject).or_insert(Known { until: now, shared });
                one.until = one.until.max(now + ttl);
                one.shared |= shared;
            }
            if before != left || left != known.len() {
                self.pod.revoked.store(Arc::new(Revoked::of(known.keys())));
            }
            left != known.len()
        });
        if is_more {
            for shard in &self.shards {
                // A shard that is gone has no connections.
                let _ = shard.send(Memo::Holders).await;
            }
        }
    }

    fn with_known<T>(&self, what: impl FnOnce(&mut HashMap<Subject, Known>) -> T) -> T {
        what(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
