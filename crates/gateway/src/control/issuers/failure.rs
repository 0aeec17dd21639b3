//! Why keys did not come.

use std::path::PathBuf;

/// Why an attempt to bring an issuer's keys failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing usable came from there.
    #[error("{address}: {reason}")]
    Fetch { address: String, reason: String },
    /// A file can't be read.
    #[error("can't read {path}: {reason}", path = path.display())]
    File { path: PathBuf, reason: std::io::Error },
    /// A PEM of authorities that is none.
    #[error("ca_file {path}: {reason}", path = path.display())]
    Authorities { path: PathBuf, reason: String },
    /// The OpenID configuration of somebody else.
    #[error("{address} is the configuration of the issuer {found:?}, but {issuer:?} is configured")]
    WrongIssuer { address: String, found: String, issuer: String },
    /// Keys would come from where anybody could stand in between.
    #[error(
        "{address} says that the keys are at {found:?}, but they are only fetched by https, or by http on loopback for an \
         issuer that is there too"
    )]
    WrongAddress { address: String, found: String },
    /// The keys themselves.
    #[error(transparent)]
    Keys(#[from] auth::Error),
}

impl Failure {
    /// Whether waiting can't mend it.
    pub(super) fn is_mistake(&self) -> bool {
        matches!(self, Self::Authorities { .. } | Self::WrongIssuer { .. } | Self::WrongAddress { .. })
    }
}
