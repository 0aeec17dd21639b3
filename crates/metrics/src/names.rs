//! Names that become labels: as many as a bound allows, each with a place that it keeps.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The place of all names for which there is no room.
pub(crate) const OTHER: usize = 0;

/// Names in the order in which they came. The first stands for all that came when there was no room left.
#[derive(Debug)]
pub struct Names {
    most: usize,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    names: Vec<Arc<str>>,
    places: HashMap<Arc<str>, usize>,
}

impl Known {
    fn insert(&mut self, name: &str) -> usize {
        let (name, place) = (Arc::<str>::from(name), self.names.len());
        self.names.push(Arc::clone(&name));
        self.places.insert(name, place);
        place
    }
}

impl Names {
    /// Room for so many names beside `other`.
    pub(crate) fn new(most: usize) -> Self {
        let mut known = Known::default();
        known.insert("other");
        Self { most, known: Mutex::new(known) }
    }

    /// The place of a name, which it gets if there is room. Takes a lock: for when names are registered, not used.
    pub fn place(&self, name: &str) -> usize {
        let mut known = self.lock();
        match known.places.get(name) {
            Some(&place) => place,
            None if known.names.len() > self.most => OTHER,
            None => known.insert(name),
        }
    }

    /// One more than the highest place that there can be.
    pub(crate) const fn places(&self) -> usize {
        self.most + 1
    }

    /// All names and their places.
    pub(crate) fn all(&self) -> Vec<(usize, Arc<str>)> {
        self.lock().names.iter().cloned().enumerate().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_places_and_the_rest_shares_one() {
        let names = Names::new(2);
        assert_eq!([names.place("a"), names.place("b"), names.place("c")], [1, 2, OTHER]);
        assert_eq!([names.place("b"), names.place("c"), names.place("other")], [2, OTHER, OTHER]);
        let all = names.all();
        assert_eq!(all.iter().map(|(_, name)| &**name).collect::<Vec<_>>(), ["other", "a", "b"]);
        assert_eq!(names.places(), all.len());
    }

    #[test]
    fn without_room_all_are_others() {
        assert_eq!(Names::new(0).place("a"), OTHER);
    }
}
