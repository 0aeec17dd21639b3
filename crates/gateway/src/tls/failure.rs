//! Why a handshake came to nothing, and under which name it is counted.

use metrics::Refusal;
use rustls::{CertificateError, Error};
use std::io;

/// What went wrong between a client and us.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Tls(#[from] Error),
    #[error("a handshake message or a record is too long")]
    TooLong,
    #[error("a request without TLS")]
    Plain,
}

impl Failure {
    /// What is counted; nothing where the client just went away.
    pub(crate) const fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Io(_) => None,
            Self::Plain => Some(Refusal::BadRequest),
            Self::Tls(Error::NoCertificatesPresented) => Some(Refusal::CertificateMissing),
            Self::Tls(Error::InvalidCertificate(error)) => Some(match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Refusal::CertificateExpired
                }
                CertificateError::UnknownIssuer => Refusal::CertificateUnknown,
                _ => Refusal::CertificateInvalid,
            }),
            Self::Tls(_) | Self::TooLong => Some(Refusal::Tls),
        }
    }
}

impl From<Failure> for io::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Io(error) => error,
            other => Self::new(io::ErrorKind::InvalidData, other.to_string()),
        }
    }
}
