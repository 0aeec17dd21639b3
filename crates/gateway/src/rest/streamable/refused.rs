//! What is refused here, and how: an error of JSON-RPC with the status that HTTP has for it, and a challenge where a token is
//! missing or may do too little. `basic/transports/streamable-http`, `basic/authorization`, "Error Handling".

use super::metadata;
use crate::config::Config;
use crate::rest::answer::{self, Answer};
use crate::rest::problem::Problem;
use hyper::StatusCode;
use hyper::header::{HeaderValue, WWW_AUTHENTICATE};
use mcp::{Era, Error, Id, error, write};

/// The status of an error of the protocol. One that a backend or the platform has come to is an answer like any other.
const fn status(code: i64, era: Era) -> StatusCode {
    match (code, era) {
        (error::PARSE_ERROR | error::INVALID_REQUEST, _)
        | (error::HEADER_MISMATCH | error::MISSING_CAPABILITY | error::UNSUPPORTED_VERSION, _) => {
            StatusCode::BAD_REQUEST
        }
        (error::METHOD_NOT_FOUND, Era::Modern) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

/// The status of an answer that a call has come to. `basic`, "Error Codes": what the client would have to be able to do is said
/// with a status of its own, whoever says it.
pub(super) const fn answered(error: &Error, era: Era) -> StatusCode {
    match (error.code, era) {
        (error::MISSING_CAPABILITY, Era::Modern) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// An error, with the status that it has.
pub(super) fn error(id: Option<Id<'_>>, error: &Error, era: Era) -> Answer {
    with_status(id, error, status(error.code, era))
}

/// A request that is malformed: 400, whatever its code is.
pub(super) fn malformed(id: Option<Id<'_>>, error: &Error) -> Answer {
    with_status(id, error, StatusCode::BAD_REQUEST)
}

fn with_status(id: Option<Id<'_>>, error: &Error, status: StatusCode) -> Answer {
    let mut body = Vec::new();
    match id {
        Some(id) => write::failure(Some(id), error, &mut body),
        // An error response that has no id, not one whose id is null.
        None => body = format!("{{\"jsonrpc\":\"2.0\",\"error\":{}}}", error.to_json()).into_bytes(),
    }
    answer::json(status, body)
}

/// What REST would tell as a problem, with its status and headers. `missing` is the scope that would have been needed.
pub(super) fn problem(
    problem: Problem,
    id: Option<Id<'_>>,
    missing: Option<&str>,
    config: &Config,
) -> Answer {
    let (failure, mut told) = problem.into_parts();
    let details = failure.details.as_deref().map(String::from_utf8_lossy);
    let error = Error::of(failure.code, &failure.message, details.as_deref());
    let mut answer = with_status(id, &error, told.status());
    let headers = told.headers_mut();
    let challenge = match (headers.remove(WWW_AUTHENTICATE), missing) {
        (Some(challenge), _) => challenge.to_str().unwrap_or("Bearer").to_owned(),
        (None, Some(_)) => "Bearer error=\"insufficient_scope\"".to_owned(),
        (None, None) => String::new(),
    };
    if !challenge.is_empty()
        && let Ok(challenge) = HeaderValue::from_str(&metadata::challenge(config, &challenge, missing))
    {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    headers.remove(hyper::header::CONTENT_TYPE);
    answer.headers_mut().extend(std::mem::take(headers));
    answer
}
