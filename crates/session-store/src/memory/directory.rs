//! The directory of one process. Nothing here outlives it.
use std::sync::Arc;

use protocol::Replica;
use tokio::sync::watch;

use crate::{Directory, Error, Snapshot};

/// A directory in this process's memory; clones share one list.
#[derive(Clone, Debug)]
pub struct MemoryDirectory {
    replicas: Arc<watch::Sender<Snapshot>>,
    limit: usize,
}

impl MemoryDirectory {
    /// How many replicas a directory holds where nobody says otherwise.
    pub const DEFAULT_LIMIT: usize = 10_000;

    /// An empty directory of at most [`MemoryDirectory::DEFAULT_LIMIT`] replicas.
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// An empty directory of at most `limit` replicas.
    pub fn with_limit(limit: usize) -> Self {
        Self { replicas: Arc::new(watch::Sender::new(Arc::from([]))), limit }
    }
}

impl Default for MemoryDirectory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory for MemoryDirectory {
    async fn put(&self, replica: Arc<Replica>) -> Result<(), Error> {
        let length = replica.instance.len();
        if !(1..=128).contains(&length) {
            return Err(Error::Instance { length });
        }
        let mut outcome = Ok(());
        self.replicas.send_if_modified(|snapshot| {
            match snapshot.iter().position(|known| known.instance == replica.instance) {
                // Also the same once more, of which nobody is told, is another one to `remove`.
                Some(place) => {
                    let mut replaced = snapshot.to_vec();
                    let former = std::mem::replace(&mut replaced[place], replica);
                    let changed = former != replaced[place];
                    *snapshot = replaced.into();
                    changed
                }
                None if snapshot.len() >= self.limit => {
                    outcome = Err(Error::Full { limit: self.limit });
                    false
                }
                None => {
                    *snapshot = snapshot.iter().cloned().chain([replica]).collect();
                    true
                }
            }
        });
        outcome
    }

    async fn remove(&self, replica: &Arc<Replica>) -> Result<(), Error> {
        self.replicas.send_if_modified(|snapshot| {
            let before = snapshot.len();
            let kept: Snapshot =
                snapshot.iter().filter(|known| !Arc::ptr_eq(known, replica)).cloned().collect();
            let changed = kept.len() != before;
            if changed {
                *snapshot = kept;
            }
            changed
        });
        Ok(())
    }

    fn watch(&self) -> watch::Receiver<Snapshot> {
        self.replicas.subscribe()
    }
}
