//! A file that may change while the gateway runs.

use std::io;
use std::path::Path;

/// What is in it. A file system may take its time, and nothing else here may wait for it.
///
/// # Errors
/// What the system says.
///
/// # Cancel safety
/// Nothing is lost.
pub(super) async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
    read.unwrap_or_else(|error| Err(io::Error::other(error)))
}
