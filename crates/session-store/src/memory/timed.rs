//! A bounded map whose entries run out.
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

use crate::Error;

/// An entry is in `deadlines` exactly while it is in `entries`, under the same deadline.
#[derive(Debug)]
pub(super) struct Timed<K, V> {
    entries: HashMap<K, (V, Instant)>,
    deadlines: BTreeSet<(Instant, K)>,
    limit: usize,
}

impl<K: Clone + Eq + Hash + Ord, V> Timed<K, V> {
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), deadlines: BTreeSet::new(), limit }
    }

    /// Takes out what has run out; called before each access.
    fn sweep(&mut self) {
        let now = Instant::now();
        while let Some((deadline, _)) = self.deadlines.first() {
            if *deadline > now {
                return;
            }
            if let Some((_, key)) = self.deadlines.pop_first() {
                self.entries.remove(&key);
            }
        }
    }

    /// Enters a value that is not there yet; it runs out `ttl` from now.
    pub(super) fn insert(&mut self, key: K, value: V, ttl: Duration) -> Result<(), Error> {
        self.sweep();
        if self.entries.len() >= self.limit {
            return Err(Error::Full { limit: self.limit });
        }
        let deadline = Instant::now() + ttl;
        self.deadlines.insert((deadline, key.clone()));
        self.entries.insert(key, (value, deadline));
        Ok(())
    }

    pub(super) fn find(&mut self, key: &K) -> Option<&mut V> {
        self.sweep();
        self.entries.get_mut(key).map(|(value, _)| value)
    }

    pub(super) fn prolong(&mut self, key: &K, ttl: Duration) {
        if let Some((_, deadline)) = self.entries.get_mut(key) {
            self.deadlines.remove(&(*deadline, key.clone()));
            *deadline = Instant::now() + ttl;
            self.deadlines.insert((*deadline, key.clone()));
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some((_, deadline)) = self.entries.remove(key) {
            self.deadlines.remove(&(deadline, key.clone()));
        }
    }
}
