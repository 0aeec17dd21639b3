//! A bounded map whose entries run out.
use std::borrow::Borrow;
use std::collections::BTreeSet;
use std::hash::Hash;
use std::time::Duration;

use super::clock::{Clock, Nanos, nanos};
use crate::Error;
use foldhash::{HashMap, HashMapExt as _};

/// An entry is in `deadlines` exactly while it is in `entries`, under its own deadline or, after it was prolonged, an
/// earlier one.
#[derive(Debug)]
pub(super) struct Timed<K, V> {
    /// Boxed, since a map has room for up to twice as many as it holds.
    entries: HashMap<K, Box<Entry<V>>>,
    deadlines: BTreeSet<(Nanos, K)>,
    limit: usize,
    clock: Clock,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    deadline: Nanos,
    /// Under which it is in `deadlines`.
    filed: Nanos,
}

impl<K: Clone + Eq + Hash + Ord, V> Timed<K, V> {
    pub(super) fn new(limit: usize, clock: Clock) -> Self {
        Self { entries: HashMap::new(), deadlines: BTreeSet::new(), limit, clock }
    }

    /// Takes out what has run out; called before each access.
    fn sweep(&mut self, now: Nanos) {
        while let Some((deadline, _)) = self.deadlines.first() {
            if *deadline > now {
                return;
            }
            let Some((_, key)) = self.deadlines.pop_first() else { return };
            match self.entries.get_mut(&key) {
                Some(entry) if entry.deadline > now => {
                    entry.filed = entry.deadline;
                    self.deadlines.insert((entry.filed, key));
                }
                _ => {
                    self.entries.remove(&key);
                }
            }
        }
    }

    /// Enters a value that is not there yet; it runs out `ttl` from now.
    pub(super) fn insert(&mut self, key: K, value: V, ttl: Duration) -> Result<(), Error> {
        let now = self.clock.now();
        self.sweep(now);
        if self.entries.len() >= self.limit {
            return Err(Error::Full { limit: self.limit });
        }
        let deadline = now.saturating_add(nanos(ttl));
        self.deadlines.insert((deadline, key.clone()));
        self.entries.insert(key, Box::new(Entry { value, deadline, filed: deadline }));
        Ok(())
    }

    pub(super) fn find<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.find_at(key, self.clock.now())
    }

    /// As [`Timed::find`], by a clock that was read already.
    pub(super) fn find_at<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, now: Nanos) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.sweep(now);
        self.entries.get_mut(key).map(|entry| &mut entry.value)
    }

    /// After how long the entry runs out, if it is there.
    pub(super) fn left(&self, key: &K) -> Option<Duration> {
        let now = self.clock.now();
        self.entries.get(key).map(|entry| Duration::from_nanos(entry.deadline.saturating_sub(now)))
    }

    /// The entry runs out `ttl` from now.
    pub(super) fn prolong<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, ttl: Duration)
    where
        K: Borrow<Q>,
    {
        self.prolong_at(key, ttl, self.clock.now());
    }

    /// As [`Timed::prolong`], by a clock that was read already. The entry, if it is there.
    pub(super) fn prolong_at<Q: Eq + Hash + ?Sized>(
        &mut self,
        key: &Q,
        ttl: Duration,
        now: Nanos,
    ) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.sweep(now);
        let deadline = now.saturating_add(nanos(ttl));
        if self.entries.get(key).is_some_and(|entry| deadline < entry.filed) {
            self.file_earlier(key, deadline);
        }
        // Otherwise it is seen when the earlier one has passed.
        self.entries.get_mut(key).map(|entry| {
            entry.deadline = deadline;
            &mut entry.value
        })
    }

    #[cold]
    fn file_earlier<Q: Eq + Hash + ?Sized>(&mut self, key: &Q, deadline: Nanos)
    where
        K: Borrow<Q>,
    {
        if let Some((key, mut entry)) = self.entries.remove_entry(key) {
            let filed = std::mem::replace(&mut entry.filed, deadline);
            self.deadlines.remove(&(filed, key.clone()));
            self.deadlines.insert((deadline, key.clone()));
            self.entries.insert(key, entry);
        }
    }

    pub(super) fn remove(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.deadlines.remove(&(entry.filed, key.clone()));
        }
    }
}
