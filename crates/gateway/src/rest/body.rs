//! Reads the body of a request: of the right type, not too large, in time, and strict JSON.

use super::ask::Ask;
use super::problem::Problem;
use crate::config::ms;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Body as _;
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE};
use protocol::ErrorCode;
use serde::Deserialize;

impl Ask {
    /// The text of the body, which is of this media type. None where there is no body at all.
    async fn text(&mut self, kind: &str) -> Result<Option<String>, Problem> {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return Ok(None) };
        self.check_kind(kind)?;
        let terms = self.link.shard.terms();
        let websocket = &terms.config.websocket;
        let most = websocket.max_message_size;
        if body.size_hint().lower() > most as u64 {
            return Err(too_large(most));
        }
        let whole = Limited::new(body, most).collect();
        let bytes = match tokio::time::timeout(ms(websocket.message_timeout_ms), whole).await {
            Ok(Ok(whole)) => whole.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large(most)),
            Ok(Err(_)) => {
                return Err(Problem::new(ErrorCode::InvalidMessage, "the body is cut off").closing());
            }
            Err(_) => {
                let detail = "the body did not come whole within websocket.message_timeout_ms";
                let problem = Problem::new(ErrorCode::InvalidMessage, detail);
                return Err(problem.status(StatusCode::REQUEST_TIMEOUT).closing());
            }
        };
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| Problem::new(ErrorCode::InvalidMessage, "the body is not UTF-8"))?;
        Ok(Some(text.trim().to_owned()))
    }

    /// The JSON text of the body, which is of this media type. None where there is no body at all.
    pub(super) async fn json(&mut self, kind: &str) -> Result<Option<String>, Problem> {
        let Some(text) = self.text(kind).await? else { return Ok(None) };
        let depth = self.shard().terms().config.websocket.max_json_depth;
        protocol::json::validate(&text, depth)
            .map_err(|malformed| Problem::new(ErrorCode::InvalidMessage, malformed.to_string()))?;
        Ok(Some(text))
    }

    /// As [`Ask::json`], where there has to be a body.
    pub(super) async fn needed_json(&mut self, kind: &str) -> Result<String, Problem> {
        self.json(kind).await?.ok_or_else(|| no_body(kind))
    }

    /// As [`Ask::needed_json`], but nobody has looked yet whether it is JSON.
    pub(super) async fn needed_text(&mut self, kind: &str) -> Result<String, Problem> {
        self.text(kind).await?.ok_or_else(|| no_body(kind))
    }

    fn check_kind(&self, kind: &str) -> Result<(), Problem> {
        let right = |detail: String| {
            Problem::new(ErrorCode::InvalidMessage, detail).status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        };
        let sent = self.header(&CONTENT_TYPE)?.unwrap_or_default();
        if !sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind) {
            return Err(right(format!("Content-Type must be {kind}")).closing());
        }
        match self.header(&CONTENT_ENCODING)? {
            None => Ok(()),
            Some(encoding) if encoding.eq_ignore_ascii_case("identity") => Ok(()),
            Some(_) => Err(right("the body must not be encoded".to_owned()).closing()),
        }
    }
}

/// The object that a body holds.
pub(super) fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    // Serde would read an array as the members in their order.
    if !text.starts_with('{') {
        return Err(Problem::new(ErrorCode::InvalidParams, "the body must be an object"));
    }
    serde_json::from_str(text)
        .map_err(|error| Problem::new(ErrorCode::InvalidParams, format!("the body: {error}")))
}

fn no_body(kind: &str) -> Problem {
    Problem::new(ErrorCode::InvalidMessage, format!("a body of {kind} is needed"))
}

fn too_large(most: usize) -> Problem {
    let detail = format!("the body is over websocket.max_message_size, {most} bytes");
    Problem::new(ErrorCode::TooLarge, detail).closing()
}
