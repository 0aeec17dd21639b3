//! Buckets that connections of all shards share. The table is looked into when a connection opens, never for a message.

use super::bucket::Bucket;
use super::key::Key;
use foldhash::{HashMap, HashMapExt as _};
use std::sync::{Arc, Mutex, PoisonError};

/// A table this small is not looked through.
const FEW: usize = 1_024;

/// The buckets in use, and those that are not full yet.
#[derive(Debug)]
pub(super) struct Buckets(Mutex<Table>);

#[derive(Debug)]
struct Table {
    buckets: HashMap<Key, Arc<Bucket>>,
    /// With so many it is looked through.
    full_at: usize,
}

impl Default for Buckets {
    fn default() -> Self {
        Self(Mutex::new(Table { buckets: HashMap::new(), full_at: FEW }))
    }
}

impl Buckets {
    /// The bucket of this key.
    pub(super) fn of(&self, key: Key, now: u64) -> Arc<Bucket> {
        let table = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.buckets.len() >= table.full_at {
            // A full bucket that nobody holds is as good as a fresh one.
            table.buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1 || !bucket.is_full(now));
            table.full_at = (table.buckets.len() * 2).max(FEW);
            table.buckets.shrink_to(table.full_at);
        }
        Arc::clone(table.buckets.entry(key).or_default())
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
