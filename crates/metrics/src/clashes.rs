//! Tools that are left out since another backend has their names, by the places that both backends' names have among the pod's
//! labels.

use crate::Names;
use crate::catalogue::OWNERS;
use crate::names::OTHER;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The counts of the table in force.
#[derive(Debug, Default)]
pub(crate) struct Clashes(Mutex<BTreeMap<[usize; 2], u64>>);

impl Clashes {
    pub(crate) fn set(&self, clashes: impl IntoIterator<Item = [usize; 2]>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A pair that clashes no more is told as 0, so that whoever looks sees that it is over.
        counts.values_mut().for_each(|count| *count = 0);
        for [backend, owner] in clashes {
            let named =
                counts.range([backend, 0]..=[backend, usize::MAX]).filter(|(pair, _)| pair[1] != OTHER);
            let is_named = counts.contains_key(&[backend, owner]) || named.count() < OWNERS;
            *counts.entry([backend, if is_named { owner } else { OTHER }]).or_default() += 1;
        }
    }

    /// One entry for each pair that ever clashed.
    pub(crate) fn of(&self, backends: &Names) -> Vec<([Arc<str>; 2], u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: BTreeMap<usize, Arc<str>> = backends.all().into_iter().collect();
        let name = |place: &usize| names.get(place).cloned().unwrap_or_else(|| Arc::from("other"));
        counts.iter().map(|([backend, owner], count)| ([name(backend), name(owner)], *count)).collect()
    }
}
