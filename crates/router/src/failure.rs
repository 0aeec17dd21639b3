//! How a call ends without a result. The words are shown to clients.
use std::borrow::Cow;

use bytes::Bytes;
use protocol::ErrorCode;

/// Why a call has no result: a code of the 4000s, and what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code of the answer.
    pub code: ErrorCode,
    /// What was wrong and what would be right.
    pub message: Cow<'static, str>,
    /// JSON text, already checked.
    pub details: Option<Bytes>,
}

impl Failure {
    /// A failure without details.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into(), details: None }
    }

    pub(crate) fn unavailable(backend: &str) -> Self {
        Self::new(
            ErrorCode::BackendUnavailable,
            format!("no replica of backend {backend} is connected; nothing was sent, try again"),
        )
    }

    pub(crate) fn overloaded(backend: &str, limit: usize) -> Self {
        Self::new(
            ErrorCode::BackendUnavailable,
            format!(
                "backend {backend} is overloaded: {limit} calls are in flight at each replica; nothing was sent, try again later"
            ),
        )
    }

    pub(crate) fn lost(backend: &str, reason: &str) -> Self {
        Self::new(
            ErrorCode::BackendUnavailable,
            format!(
                "the connection to backend {backend} was lost while it had the call ({reason}); it may have been executed"
            ),
        )
    }

    pub(crate) fn late(backend: &str, timeout_ms: u32) -> Self {
        Self::new(
            ErrorCode::DeadlineExceeded,
            format!("backend {backend} did not answer within {timeout_ms} ms and was told to stop"),
        )
    }

    pub(crate) fn too_large(backend: &str, what: &str, limit: usize) -> Self {
        Self::new(
            ErrorCode::TooLarge,
            format!("backend {backend} sent {what} over the limit of {limit} bytes"),
        )
    }

    pub(crate) fn malformed(backend: &str) -> Self {
        Self::new(ErrorCode::Internal, format!("backend {backend} returned malformed JSON"))
    }
}
