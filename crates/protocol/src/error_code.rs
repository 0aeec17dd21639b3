//! The 4000s: what a request can be told. Each code has one meaning, listed in docs/protocol.md.

/// Why a request was not answered with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum ErrorCode {
    /// The message is not of the wire's form.
    InvalidMessage = 4000,
    /// The token is missing, invalid or expired.
    AuthenticationFailed = 4001,
    /// Too many requests; `details.retry_after_ms` says when to come back.
    RateLimited = 4002,
    /// The gateway or a backend failed in a way that is not the caller's doing.
    Internal = 4003,
    /// No handler has this method.
    MethodNotFound = 4004,
    /// The params are not what the method takes; the message names the field.
    InvalidParams = 4005,
    /// It is not known whether the call was executed.
    OutcomeUnknown = 4006,
    /// The call did not end before its deadline.
    DeadlineExceeded = 4007,
    /// The call was cancelled.
    Cancelled = 4008,
    /// No replica of the backend could take the call, or the one that had it died.
    BackendUnavailable = 4009,
    /// No tool, context or other thing of this name.
    NotFound = 4010,
    /// The version that was expected is not the current one.
    Conflict = 4011,
    /// A message, result or decompressed payload is over its limit.
    TooLarge = 4012,
    /// The token lacks a scope.
    Forbidden = 4013,
    /// As many calls as this connection may have are running.
    TooManyInFlight = 4014,
}

impl ErrorCode {
    /// Every code, in order.
    pub const ALL: [Self; 15] = [
        Self::InvalidMessage,
        Self::AuthenticationFailed,
        Self::RateLimited,
        Self::Internal,
        Self::MethodNotFound,
        Self::InvalidParams,
        Self::OutcomeUnknown,
        Self::DeadlineExceeded,
        Self::Cancelled,
        Self::BackendUnavailable,
        Self::NotFound,
        Self::Conflict,
        Self::TooLarge,
        Self::Forbidden,
        Self::TooManyInFlight,
    ];

    /// The number on the wire.
    pub const fn as_u16(self) -> u16 {
        self as u16
    }

    /// The code of this number; `None` for a number that has no meaning here.
    pub fn from_u16(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_u16() == code)
    }

    /// The name used as a metric label and in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidMessage => "invalid_message",
            Self::AuthenticationFailed => "authentication_failed",
            Self::RateLimited => "rate_limited",
            Self::Internal => "internal",
            Self::MethodNotFound => "method_not_found",
            Self::InvalidParams => "invalid_params",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::DeadlineExceeded => "deadline_exceeded",
            Self::Cancelled => "cancelled",
            Self::BackendUnavailable => "backend_unavailable",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::Forbidden => "forbidden",
            Self::TooManyInFlight => "too_many_in_flight",
        }
    }
}
