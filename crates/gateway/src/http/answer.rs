//! Answers to requests that are not upgraded. Their body is a JSON object that says what would be right.

use crate::stream::{self, Stream};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CONNECTION, CONTENT_TYPE};
use hyper::{Response, StatusCode};
use tokio::io::AsyncWriteExt;

/// An answer, after which the connection ends.
pub(super) fn refuse(status: StatusCode, reason: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body(status, reason)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/json"));
    headers.insert(CONNECTION, hyper::header::HeaderValue::from_static("close"));
    response
}

fn body(status: StatusCode, reason: &str) -> Bytes {
    serde_json::json!({"status": status.as_u16(), "error": reason}).to_string().into()
}

/// An answer to what never became a request.
pub(super) async fn write_bare(mut stream: Stream, status: StatusCode, reason: &str) {
    let body = body(status, reason);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let answer = [head.as_bytes(), &body].concat();
    if stream.write_all(&answer).await.is_ok() {
        stream::part(stream).await;
    }
}
