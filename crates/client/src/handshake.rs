//! The HTTP upgrade: from a URL and a token to a stream that carries frames. Knows nothing of messages.

use std::time::Duration;

use bytes::Bytes;
use fastwebsockets::handshake::generate_key;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use crate::endpoint::Endpoint;
use crate::stream::Stream;
use crate::tls::Tls;
use crate::{Error, tasks};

/// As much of a refusal's body is read.
const REASON_BYTES: usize = 16 << 10;
/// As much of it is shown.
const REASON_CHARS: usize = 500;
/// So long a refusal's body may take; the status alone says enough.
const REASON_WAIT: Duration = Duration::from_secs(2);

/// A stream after its upgrade, and the bytes of frames that came together with the response.
pub(crate) struct Upgraded {
    pub(crate) stream: Stream,
    pub(crate) early: Bytes,
}

pub(crate) async fn upgrade(
    endpoint: &Endpoint,
    tls: Option<&Tls>,
    token: Option<&str>,
    subprotocol: &str,
) -> Result<Upgraded, Error> {
    let key = generate_key();
    let request = request(endpoint, token, subprotocol, &key)?;
    let accept = expected_accept(&key);

    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
        .await
        .map_err(|error| endpoint.unreachable(error))?;
    // Requests are small and answers are awaited: nothing may wait for an acknowledgement.
    stream.set_nodelay(true).map_err(|error| endpoint.unreachable(error))?;
    let stream = match tls {
        Some(tls) => tls.connect(stream, endpoint).await?,
        None => Stream::Plain(stream),
    };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| endpoint.unreachable(error))?;
    tasks::start(async move {
        // What goes wrong here goes wrong with the request too, where it is told.
        let _ = connection.with_upgrades().await;
    });
    let mut response = sender.send_request(request).await.map_err(|error| endpoint.unreachable(error))?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(response).await);
    }
    verify(response.headers(), accept.as_ref(), subprotocol)
        .map_err(|reason| endpoint.unreachable(reason))?;
    let upgraded = hyper::upgrade::on(&mut response).await.map_err(|error| endpoint.unreachable(error))?;
    let parts = upgraded
        .downcast::<TokioIo<Stream>>()
        .map_err(|_| endpoint.unreachable("the upgraded stream is not the one that was dialled"))?;
    Ok(Upgraded { stream: parts.io.into_inner(), early: parts.read_buf })
}

fn request(
    endpoint: &Endpoint,
    token: Option<&str>,
    subprotocol: &str,
    key: &str,
) -> Result<Request<Empty<Bytes>>, Error> {
    let mut builder = Request::get(&endpoint.target)
        .header(header::HOST, endpoint.authority.clone())
        .header(header::UPGRADE, "websocket")
        .header(header::CONNECTION, "Upgrade")
        .header(header::SEC_WEBSOCKET_KEY, key)
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_PROTOCOL, subprotocol)
        .header(header::USER_AGENT, concat!("mcpw-client/", env!("CARGO_PKG_VERSION")));
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
            endpoint.unreachable("the token has characters that no token has, a line break perhaps")
        })?;
        value.set_sensitive(true);
        builder = builder.header(header::AUTHORIZATION, value);
    }
    builder.body(Empty::new()).map_err(|error| endpoint.unreachable(error))
}

/// What `Sec-WebSocket-Accept` has to be for a key: the library tells it to servers only, so it is asked as one.
fn expected_accept(key: &str) -> Option<HeaderValue> {
    let mirror = Request::get("/")
        .header(header::SEC_WEBSOCKET_KEY, key)
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .body(())
        .ok()?;
    let (response, _) = fastwebsockets::upgrade::upgrade(mirror).ok()?;
    response.headers().get(header::SEC_WEBSOCKET_ACCEPT).cloned()
}

fn verify(headers: &HeaderMap, accept: Option<&HeaderValue>, wanted: &str) -> Result<(), String> {
    let is = |name: HeaderName, value: &str| {
        headers.get(name).is_some_and(|given| given.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
    };
    if !is(header::UPGRADE, "websocket") || !is(header::CONNECTION, "upgrade") {
        return Err("the answer has status 101 but does not upgrade to WebSocket".to_owned());
    }
    if accept.is_none() || headers.get(header::SEC_WEBSOCKET_ACCEPT) != accept {
        return Err("Sec-WebSocket-Accept is missing or does not belong to this request".to_owned());
    }
    if headers.contains_key(header::SEC_WEBSOCKET_EXTENSIONS) {
        return Err("the answer turns on an extension that was not asked for".to_owned());
    }
    match headers.get(header::SEC_WEBSOCKET_PROTOCOL) {
        Some(given) if given == wanted => Ok(()),
        Some(given) => Err(format!("the subprotocol {wanted} was asked for, the answer has {given:?}")),
        None => Err(format!("the subprotocol {wanted} was asked for, the answer has none")),
    }
}

async fn refusal(response: Response<Incoming>) -> Error {
    let status = response.status();
    let challenge = response
        .headers()
        .get(header::WWW_AUTHENTICATE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let body =
        tokio::time::timeout(REASON_WAIT, Limited::new(response.into_body(), REASON_BYTES).collect()).await;
    let text = match body {
        Ok(Ok(body)) => told(&body.to_bytes()),
        _ => String::new(),
    };
    let reason = if text.is_empty() {
        status.canonical_reason().unwrap_or("no reason given").to_owned()
    } else {
        text
    };
    Error::Refused { status: status.as_u16(), challenge, reason }
}

/// What a refusal's body says: the text of `{"error":"…"}`, or else all of it.
fn told(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Body {
        error: String,
    }
    let text = serde_json::from_slice::<Body>(body)
        .map_or_else(|_| String::from_utf8_lossy(body).into_owned(), |body| body.error);
    text.trim().chars().take(REASON_CHARS).collect()
}
