//! The memory store against the contract that every store keeps.
mod contract;

use session_store::MemoryDirectory;

directory_contract!(MemoryDirectory::with_limit);
