//! Why the service does not start, or what a call is told. Knows which code stands for which.
use std::path::PathBuf;

use backend::Failure;
use serde_json::json;

/// Why the service could not be started, or a call not be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is no database. It was not touched.
    #[error(
        "{path} is not an SQLite database; name another file, or put it away and start with a new one",
        path = path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database, of another program. It was not touched.
    #[error("{path} is the database of another program; name another file", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged. It was not touched.
    #[error(
        "{path} is damaged: {reason}; put it away and bring back a backup, or see what \
         `sqlite3 {path} .recover` finds in a copy",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The database was written by a newer version. It was not touched.
    #[error(
        "{place} has schema {found}, and this version knows schemas up to {known}: it was written by a newer \
         mcpw; start that one, or bring back a backup from before the upgrade"
    )]
    Newer {
        /// The file, or the server.
        place: String,
        /// The schema found.
        found: i64,
        /// The newest schema that is known.
        known: i64,
    },
    /// The database can't be opened.
    #[error("cannot open {place}: {reason}")]
    Open {
        /// The file, or the server.
        place: String,
        /// What the system or the server said.
        reason: String,
    },
    /// The database is out of reach, or takes no writes. What a write has done is not known, unless it was
    /// refused.
    #[error("the database is out of reach: {reason}")]
    Unavailable {
        /// What was seen.
        reason: String,
    },
    /// The tenant has no context of this id.
    #[error("there is no context of this id")]
    NotFound,
    /// The context has another version than was expected.
    #[error("the context has version {version}, and another one was expected")]
    Conflict {
        /// Its version.
        version: i64,
    },
    /// A part of the params is over its bound.
    #[error("{field}: {found} bytes are more than the {bound} that are allowed")]
    TooLarge {
        /// The field.
        field: &'static str,
        /// Its bytes.
        found: usize,
        /// The bytes that it may have.
        bound: usize,
    },
    /// A part of the params is not what the method takes.
    #[error("{field}: {right}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be right.
        right: String,
    },
    /// The database answered what it should not.
    #[error("the database failed: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
    /// The service can't be served.
    #[error(transparent)]
    Serve(#[from] backend::Error),
}

impl Error {
    pub(crate) fn invalid(field: &'static str, right: impl Into<String>) -> Self {
        Self::Invalid { field, right: right.into() }
    }

    pub(crate) fn failed(reason: impl ToString) -> Self {
        Self::Failed { reason: reason.to_string() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Self::not_found(error.to_string()),
            Error::Conflict { version } => {
                Self::conflict(error.to_string()).with_details(json!({ "version": version }))
            }
            Error::TooLarge { .. } => Self::too_large(error.to_string()),
            Error::Invalid { .. } => Self::invalid_params(error.to_string()),
            Error::Unavailable { reason } => {
                tracing::warn!(reason, "the database is out of reach");
                Self::unavailable("the contexts' database is out of reach; try again later")
            }
            error => Self::internal(error),
        }
    }
}
