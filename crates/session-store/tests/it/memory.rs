//! The memory store against the contract that every store keeps, on a clock that stands still.
use session_store::{Bounds, MemoryStore, Store};

struct Memory;

impl crate::contract::Mount for Memory {
    type Store = Store;

    async fn pods(&self, bounds: Bounds) -> (Store, Store) {
        let store = Store::Memory(MemoryStore::new(bounds));
        (store.clone(), store)
    }

    async fn after(&self) {}
}

crate::every_contract!(Memory; start_paused = true);
