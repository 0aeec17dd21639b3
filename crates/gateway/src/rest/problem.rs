//! What is answered instead of a result: problem details, RFC 9457. The one place that knows which status a code of the
//! 4000s has.

use super::answer::{Answer, Body};
use crate::pod::NoPlace;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use protocol::ErrorCode;
use router::Failure;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The media type of a problem.
pub(super) const PROBLEM: &str = "application/problem+json";

/// The status of a code.
pub(super) const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::InvalidMessage | ErrorCode::InvalidParams => StatusCode::BAD_REQUEST,
        ErrorCode::AuthenticationFailed => StatusCode::UNAUTHORIZED,
        ErrorCode::RateLimited | ErrorCode::TooManyInFlight => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::Internal => StatusCode::BAD_GATEWAY,
        ErrorCode::MethodNotFound | ErrorCode::NotFound => StatusCode::NOT_FOUND,
        // Not 502, which proxies and clients take for an invitation to send it again.
        ErrorCode::OutcomeUnknown => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorCode::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        ErrorCode::Cancelled | ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::BackendUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::Forbidden => StatusCode::FORBIDDEN,
    }
}

/// Why there is no result.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    status: StatusCode,
    failure: Failure,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Written<'a> {
    r#type: String,
    title: String,
    status: u16,
    detail: &'a str,
    code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a RawValue>,
}

impl Problem {
    pub(super) fn new(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Failure::new(code, detail).into()
    }

    /// 503: nothing was done.
    pub(super) fn unavailable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorCode::BackendUnavailable, detail)
    }

    /// There is no place for who asks, or for its connection.
    pub(super) fn no_place(why: NoPlace) -> Self {
        let code =
            if why.judged().is_some() { ErrorCode::RateLimited } else { ErrorCode::BackendUnavailable };
        Self::new(code, why.to_string())
    }

    /// Another status than the code's own, where HTTP has a closer one.
    #[must_use]
    pub(super) const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Whether it is of this code.
    pub(super) fn is(&self, code: ErrorCode) -> bool {
        self.failure.code == code
    }

    #[must_use]
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The connection ends with the answer.
    #[must_use]
    pub(super) fn closing(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    /// What it says, as JSON.
    pub(super) fn body(&self) -> Vec<u8> {
        let Failure { code, message, details } = &self.failure;
        let written = Written {
            r#type: format!("urn:mcpw:error:{}", code.as_u16()),
            title: code.name().replace('_', " "),
            status: self.status.as_u16(),
            detail: message,
            code: code.as_u16(),
            details: details.as_deref().and_then(|details| serde_json::from_slice(details).ok()),
        };
        // Names and numbers can always be written.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    pub(super) fn answer(self) -> Answer {
        let mut answer = Response::new(Body::whole(self.body()));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if matches!(self.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            headers.insert(RETRY_AFTER, self.retry_after());
        }
        headers.extend(self.headers);
        answer
    }

    /// Why there is no result, and the answer that says so.
    pub(super) fn into_parts(self) -> (Failure, Answer) {
        (self.failure.clone(), self.answer())
    }

    /// In seconds, as the backend says, if it does.
    fn retry_after(&self) -> HeaderValue {
        #[derive(serde::Deserialize)]
        struct Details {
            retry_after_ms: u64,
        }
        let details = self.failure.details.as_deref();
        let told = details.and_then(|details| serde_json::from_slice::<Details>(details).ok());
        HeaderValue::from(told.map_or(1, |told| told.retry_after_ms.div_ceil(1_000)))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self { status: status(failure.code), failure, headers: Vec::new() }
    }
}
