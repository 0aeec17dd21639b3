//! Why the tools could not be set up. What a call is told is the backend crate's Failure.
use std::io;
use std::path::PathBuf;

/// Why there is no backend.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The root is not a folder that can be opened.
    #[error("cannot open the root folder {}: {source}", path.display())]
    Root {
        /// The folder as given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A limit that lets nothing through.
    #[error("limit {limit} is 0: use 1 or more")]
    Limit {
        /// The limit's name.
        limit: &'static str,
    },
}
