//! What can be wrong with the files and names that the settings of TLS give.

use std::io;
use std::path::PathBuf;

/// Why TLS cannot be spoken with these settings. Names the file, what was wrong and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path}: {found}; {right}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// What would be right.
        right: &'static str,
    },
    /// A key is not that of its certificate.
    #[error(
        "{key}: the key does not belong to the first certificate in {certificate}; \
         the key with which that certificate was asked for is needed",
        key = key.display(), certificate = certificate.display()
    )]
    Mismatch {
        /// The key's file.
        key: PathBuf,
        /// The certificate's file.
        certificate: PathBuf,
    },
    /// The settings do not go together.
    #[error("{0}")]
    Settings(String),
}

impl TlsError {
    pub(crate) fn content(path: &std::path::Path, found: impl ToString, right: &'static str) -> Self {
        Self::Content { path: path.to_owned(), found: found.to_string(), right }
    }
}
