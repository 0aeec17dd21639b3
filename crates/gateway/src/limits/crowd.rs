//! How many connections, and requests of the REST API that run, each address and each user has, over all shards.

use super::key::Key;
use foldhash::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counts. Whoever has none is not in it.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<HashMap<Key, u32>>);

impl Crowd {
    /// One more, if there are fewer than `most`.
    pub(super) fn seat(self: &Arc<Self>, key: Key, most: u32) -> Option<Seat> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&key) {
            Some(count) if *count >= most => return None,
            Some(count) => *count += 1,
            None if most == 0 => return None,
            None => _ = counts.insert(key.clone(), 1),
        }
        drop(counts);
        Some(Seat { key, crowd: Arc::clone(self) })
    }
}

/// One of them; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    key: Key,
    crowd: Arc<Crowd>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.crowd.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_of_none_is_forgotten() {
        let crowd = Arc::new(Crowd::default());
        let key = || Key::address([192, 0, 2, 1].into());
        let seats: Vec<_> = (0..3).map(|_| crowd.seat(key(), 3).unwrap()).collect();
        assert!(crowd.seat(key(), 3).is_none());
        assert_eq!(crowd.0.lock().unwrap().len(), 1);
        drop(seats);
        assert!(crowd.0.lock().unwrap().is_empty());
    }
}
