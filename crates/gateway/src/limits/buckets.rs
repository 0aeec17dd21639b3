//! Buckets that connections of all shards share. The table is looked into when a connection opens, never for a message.

use super::bucket::Bucket;
use super::key::Key;
use foldhash::{HashMap, HashMapExt as _};
use std::sync::{Arc, Mutex, PoisonError};

/// A table this small is not looked through.
const FEW: usize = 1_024;

/// The buckets in use, and those that are not full yet; alone, or with what else is known of each.
#[derive(Debug)]
pub(super) struct Buckets<B = Bucket>(Mutex<Table<B>>);

#[derive(Debug)]
struct Table<B> {
    buckets: HashMap<Key, Arc<B>>,
    /// With so many it is looked through.
    full_at: usize,
}

impl<B> Default for Buckets<B> {
    fn default() -> Self {
        Self(Mutex::new(Table { buckets: HashMap::new(), full_at: FEW }))
    }
}

impl Buckets {
    /// The bucket of this key.
    pub(super) fn of(&self, key: Key, now: u64) -> Arc<Bucket> {
        self.of_or(key, now, |_| Bucket::default())
    }
}

impl<B: AsRef<Bucket>> Buckets<B> {
    /// The bucket of this key, made if there is none.
    pub(super) fn of_or(&self, key: Key, now: u64, make: impl FnOnce(&Key) -> B) -> Arc<B> {
        let table = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.buckets.len() >= table.full_at {
            // A full bucket that nobody holds is as good as a fresh one.
            table
                .buckets
                .retain(|_, bucket| Arc::strong_count(bucket) > 1 || !(**bucket).as_ref().is_full(now));
            table.full_at = (table.buckets.len() * 2).max(FEW);
            table.buckets.shrink_to(table.full_at);
        }
        Arc::clone(table.buckets.entry(key).or_insert_with_key(|key| Arc::new(make(key))))
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).buckets.len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bucket::Rate;
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[test]
    fn what_nobody_needs_any_more_is_forgotten() {
        let (buckets, rate) = (Buckets::default(), Rate::new(1, Duration::from_secs(1), 1));
        let key = |number: usize| Key::address(Ipv4Addr::from_bits(number as u32).into());
        let held = buckets.of(key(0), 0);
        for number in 0..10 * FEW {
            // One comes each millisecond, and needs its bucket for a second.
            let now = number as u64 * 1_000_000;
            buckets.of(key(number), now).take(rate, now).unwrap();
            assert!(buckets.len() <= 2 * FEW, "{}", buckets.len());
        }
        assert!(Arc::ptr_eq(&held, &buckets.of(key(0), u64::MAX)), "it was in use");
        assert!(buckets.of(key(1), 0).take(rate, 2_000_000_000).is_ok());
    }
}
