//! What is answered at the operators' port: text for probes and scrapers, JSON for operators.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Response, StatusCode};
use serde::Serialize;
use std::convert::Infallible;

/// An answer, whole or bit by bit.
pub(super) type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Why there is none but this: a status, and what would be right.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) reason: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    /// 400: what was asked has no sense.
    pub(super) fn wrong(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// A JSON object with `status` and `error`.
    pub(super) fn answer(&self) -> Answer {
        let body = serde_json::json!({"status": self.status.as_u16(), "error": self.reason});
        let mut answer = json(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// Text for people and probes.
pub(super) fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    typed(status, body, "text/plain; charset=utf-8")
}

/// JSON for programs.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Answer {
    // What is answered has names and numbers alone, which can always be written.
    typed(status, serde_json::to_vec(body).unwrap_or_default(), "application/json")
}

/// Server-sent events, as they come.
pub(super) fn events(events: impl Stream<Item = Bytes> + Send + 'static) -> Answer {
    let frames = events.map(|event| Ok::<_, Infallible>(Frame::data(event)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A body of this kind.
pub(super) fn typed(status: StatusCode, body: impl Into<Bytes>, kind: &'static str) -> Answer {
    let mut response = Response::new(Full::new(body.into()).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// 405, with what may be asked here.
pub(super) fn method_not_allowed(allowed: &[&Method]) -> Answer {
    let allowed = allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
    let mut response = Refused::new(StatusCode::METHOD_NOT_ALLOWED, format!("use {allowed}")).answer();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
