//! A file that may change while the gateway runs. Whatever goes wrong, what was taken from it last stays.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the file is looked at.
const NEXT: Duration = Duration::from_secs(1);

/// A file that is followed.
pub(super) struct Followed {
    path: PathBuf,
    /// What is in it, for the log.
    what: &'static str,
    seen: Option<Vec<u8>>,
    /// The last failure that was told.
    told: String,
}

impl Followed {
    pub(super) const fn new(path: PathBuf, what: &'static str) -> Self {
        // What was read at the start is gone, and there may be another text since.
        Self { path, what, seen: None, told: String::new() }
    }

    /// Waits until a text that is new was taken by `install`, which says how many things are in it.
    ///
    /// # Cancel safety
    /// May be dropped and asked again.
    pub(super) async fn taken(&mut self, install: impl Fn(&[u8]) -> Result<usize, String>) {
        loop {
            tokio::time::sleep(NEXT).await;
            let outcome = match read(&self.path).await {
                Ok(text) if self.seen.as_ref() == Some(&text) => {
                    self.told.clear();
                    continue;
                }
                Ok(text) => {
                    let outcome = install(&text);
                    self.seen = Some(text);
                    outcome
                }
                Err(reason) => Err(format!("can't read {}: {reason}", self.path.display())),
            };
            match outcome {
                Ok(count) => {
                    self.told.clear();
                    tracing::info!(count, "the {} were read", self.what);
                    return;
                }
                Err(error) if error != self.told => {
                    tracing::error!(error, "the {} were not read; the last good ones stay", self.what);
                    self.told = error;
                }
                Err(_) => {}
            }
        }
    }
}

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
