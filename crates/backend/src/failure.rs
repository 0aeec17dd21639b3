//! What a call is told when it has no result. Knows the codes, not how they travel.
use std::fmt;

use bytes::Bytes;
use protocol::{ErrorCode, pb};
use serde::Serialize;

use crate::{Error, Raw};

/// Why a call has no result. Code, message and details are shown to the client.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What kind of failure it is.
    pub code: ErrorCode,
    /// What was wrong and what would be right.
    pub message: String,
    /// Anything more, as JSON.
    pub details: Option<serde_json::Value>,
    /// Logged, never shown.
    cause: Option<String>,
    /// Stands for `details` where it must not change by a byte.
    raw: Option<Raw>,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, cause: None, raw: None }
    }

    /// The params are not what the handler takes (4005); the message should name the field.
    pub fn invalid_params(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParams, message)
    }

    /// What was asked for does not exist (4010).
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// The version that was expected is not the current one (4011).
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, message)
    }

    /// Something is over its limit (4012).
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::TooLarge, message)
    }

    /// The caller may not do this (4013).
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, message)
    }

    /// Something that the backend needs is away (4009).
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BackendUnavailable, message)
    }

    /// The backend failed (4003). The cause is logged; the client only learns that the backend failed.
    /// Fits `map_err(Failure::internal)`.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut failure = Self::new(ErrorCode::Internal, "the backend failed");
        failure.cause = Some(cause.to_string());
        failure
    }

    /// Adds details; replaces earlier ones. Details that cannot be written as JSON are left out.
    #[must_use]
    pub fn with_details(mut self, details: impl Serialize) -> Self {
        self.details = serde_json::to_value(details).ok();
        self
    }

    /// Adds details that are sent as they were written; above all others.
    #[must_use]
    pub fn with_raw_details(mut self, details: Raw) -> Self {
        self.raw = Some(details);
        self
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    pub(crate) fn into_error(self) -> pb::Error {
        let told = |details: serde_json::Value| Bytes::from(details.to_string());
        let details = self.raw.map(Raw::into_bytes).or_else(|| self.details.map(told)).unwrap_or_default();
        pb::Error { code: self.code.as_u16().into(), message: self.message, details }
    }
}

/// What a handler answers that could not publish: 4009 while the event log is out of reach, and otherwise that
/// the backend failed.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cause = error.to_string();
        match error {
            Error::EventUnconfirmed { .. } => Self {
                cause: Some(cause),
                ..Self::unavailable("the platform's event log is out of reach; try again later")
            },
            _ => Self::internal(cause),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Failure {}
