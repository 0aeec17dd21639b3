//! How replicas of backends stand, by the place that their backend's name has among the pod's labels.

use crate::Names;
use std::sync::{Arc, Mutex, PoisonError};

/// How a replica stands with the pod. The worst that any shard says holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum ReplicaState {
    /// Every shard sends it calls.
    Up,
    /// A shard sends it none for a while, since they failed.
    Ejected,
    /// A shard has no connection to it.
    Unreachable,
}

impl ReplicaState {
    pub(crate) const NAMES: [&'static str; 3] = ["up", "ejected", "unreachable"];
}

/// The counts that were taken last.
#[derive(Debug, Default)]
pub(crate) struct Replicas(Mutex<Vec<[u64; ReplicaState::NAMES.len()]>>);

impl Replicas {
    pub(crate) fn set(&self, replicas: impl IntoIterator<Item = (usize, ReplicaState)>) {
        let mut counts = Vec::new();
        for (place, state) in replicas {
            if counts.len() <= place {
                counts.resize(place + 1, [0; ReplicaState::NAMES.len()]);
            }
            counts[place][state as usize] += 1;
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// One entry for each backend that was ever known.
    pub(crate) fn of(&self, backends: &Names) -> Vec<(Arc<str>, [u64; ReplicaState::NAMES.len()])> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |place: usize| counts.get(place).copied().unwrap_or_default();
        backends.all().into_iter().map(|(place, name)| (name, count(place))).collect()
    }
}
