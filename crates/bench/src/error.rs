//! Why there is no run, by whose fault it is. What goes wrong in a run is counted, not told here.

use std::io;
use std::path::PathBuf;

/// A run that did not begin, or a report that was not made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for does not go together.
    #[error("{0}")]
    Plan(String),
    /// This machine can't do it as it is set up.
    #[error("{0}")]
    Machine(String),
    /// The first connection to a gateway came to nothing.
    #[error("{url}: {reason}")]
    Target {
        /// The gateway.
        url: String,
        /// What was wrong.
        reason: String,
    },
    /// A file can't be read or written, or is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system refused what the load is made with.
    #[error("the system refused {what}: {error}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl Error {
    /// Wraps what the system said.
    pub(crate) fn system(what: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::System { what, error }
    }
}
