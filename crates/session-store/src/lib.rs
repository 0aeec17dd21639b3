//! What outlives a connection: for now, the directory of backends. It knows no socket, no
//! router and no way to dial a backend.

mod directory;
mod error;
mod memory;

pub use directory::{Directory, Snapshot};
pub use error::Error;
pub use memory::MemoryDirectory;
