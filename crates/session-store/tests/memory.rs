//! The memory store against the contract that every store keeps, on a clock that stands still.
mod contract;

use session_store::{Bounds, MemoryStore};

struct Memory;

impl contract::Mount for Memory {
    type Store = MemoryStore;

    async fn pods(&self, bounds: Bounds) -> (MemoryStore, MemoryStore) {
        let store = MemoryStore::new(bounds);
        (store.clone(), store)
    }

    async fn after(&self) {}
}

every_contract!(Memory; start_paused = true);
