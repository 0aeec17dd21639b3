//! Decides over an upgrade: RFC 6455 section 4.2.1 to the letter, then the subprotocol, then the token, then
//! whether there is room. Nothing is upgraded before all of it holds.

use super::answer::refuse;
use super::ticket::{self, Unredeemed};
use super::{Visit, token};
use crate::audit::{Entry, Event};
use crate::door::{Addresses, Shut};
use crate::limits::Pace;
use crate::pod::{NoPlace, Place};
use crate::shard::Shard;
use crate::trace::Upgrade;
use crate::wire::Wire;
use auth::{Identity, Refusal as TokenRefusal};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
    WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode, Version};
use metrics::Refusal;
use sha1::{Digest, Sha1};
use std::convert::Infallible;
use std::net::IpAddr;

/// What a client that cannot set headers puts before its token, as one of its subprotocols.
const BEARER_PREFIX: &str = "mcpw.bearer.";

/// The same as clients of Model Context Protocol put it. It is echoed where nothing else was offered: many give up without an
/// echo.
const MCP_BEARER_PREFIX: &str = "mcp.auth.";

/// A client that may come in.
pub(super) struct Admission {
    pub(super) identity: Identity,
    pub(super) address: IpAddr,
    pub(super) wire: Wire,
    pub(super) place: Place,
    /// Nobody but the client reads what is sent to it: it speaks TLS, to this port or to a trusted proxy.
    pub(super) is_private: bool,
    /// The trace that it is told in, if it is.
    pub(super) upgrade: Option<Box<Upgrade>>,
}

type Answer = Response<Full<Bytes>>;

/// Why not, with the response that says so; and what the client is refused for, if it was judged.
pub(super) struct Refused(Refusal, Box<Answer>, Option<&'static str>);

impl Refused {
    fn new(status: StatusCode, reason: &str) -> Self {
        Self(Refusal::BadRequest, Box::new(refuse(status, reason)), None)
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.1.headers_mut().insert(name, value);
        self
    }
}

/// The response to a request, and who comes in if it is an upgrade.
pub(super) async fn answer(
    request: &Request<Incoming>,
    visit: &Visit,
    shard: &Shard,
) -> Result<(Answer, Option<Admission>), Infallible> {
    let client = shard.terms().door.addresses.client(visit.source, request.headers());
    let mut upgrade = Upgrade::begin(&shard.pod.tracer, request.headers());
    match admit(request, visit, &client, &mut upgrade, shard).await {
        Ok((response, admission)) => Ok((response, Some(admission))),
        Err(Refused(reason, response, judged)) => {
            if let Some(upgrade) = upgrade {
                upgrade.refused(&shard.pod, response.status().as_u16());
            }
            shard.counters.refused(reason);
            let address = visit.source.client(&client);
            if let Some(judged) = judged {
                shard.pod.audit.tell(|| Entry::new(Event::Refuse).address(Some(address)).reason(judged));
            }
            // Not the path: whoever can't put a token where it belongs may put it there.
            tracing::debug!(%address, status = response.status().as_u16(), "refused");
            Ok((*response, None))
        }
    }
}

async fn admit(
    request: &Request<Incoming>,
    visit: &Visit,
    client: &Result<IpAddr, Shut>,
    upgrade: &mut Option<Box<Upgrade>>,
    shard: &Shard,
) -> Result<(Answer, Admission), Refused> {
    let terms = shard.terms();
    let config = &terms.config.websocket;
    let path = request.uri().path();
    let echo = config.echo_path.as_deref() == Some(path);
    if path != config.path && path != crate::mcp::PATH && !echo {
        let reason = format!("nothing is at this path; the WebSocket endpoint is {}", config.path);
        return Err(Refused::new(StatusCode::NOT_FOUND, &reason));
    }
    check_form(request)?;
    let address = client.as_ref().copied().map_err(shut_out)?;
    if visit.source.is_hasty || (visit.source.is_proxy && terms.limits.knock(address) != Pace::Calm) {
        return Err(no_place(NoPlace::Hasty));
    }
    terms.door.check(request.headers()).map_err(|shut| shut_out(&shut))?;
    let offered = Offered::of(request.headers())?;
    let (wire, chosen) = if echo { (Wire::Echo, None) } else { offered.wire()? };
    let identity = if echo {
        Identity::nobody()
    } else {
        let auth = identify(request, offered.bearer, visit, shard);
        Upgrade::auth(upgrade.as_deref(), &shard.pod.tracer, auth).await.map_err(unredeemed)?
    };
    let place = shard.pod.admit(Some(address), Some(&identity).filter(|_| !echo)).map_err(no_place)?;
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept(request.headers().get(SEC_WEBSOCKET_KEY)));
    // What was offered as a header's value can be one.
    if let Some(chosen) = chosen.and_then(|chosen| HeaderValue::from_str(chosen).ok()) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, chosen);
    }
    let (tenant, agent) = (identity.tenant(), identity.agent());
    tracing::debug!(connection = place.id, %address, tenant, agent, "upgraded");
    let is_private = visit.is_tls || Addresses::is_https(visit.source, request.headers());
    let upgrade = upgrade.take();
    Ok((response, Admission { identity, address, wire, place, is_private, upgrade }))
}

/// Whose upgrade it is: by its ticket, or by its token.
async fn identify(
    request: &Request<Incoming>,
    bearer: Option<&str>,
    visit: &Visit,
    shard: &Shard,
) -> Result<Identity, Unredeemed> {
    let (headers, holder) = (request.headers(), visit.holder.as_ref());
    // Those who speak that protocol alone have headers for their tokens.
    let is_for_all = request.uri().path() != crate::mcp::PATH;
    match ticket::of(request.uri()).filter(|_| is_for_all) {
        Some(presented) => ticket::redeem(presented, headers, bearer, holder, shard).await,
        None => Ok(token::identify(request.uri(), headers, bearer, holder, shard).await?),
    }
}

/// RFC 6455 section 4.2.2, step 5.4.
fn accept(key: Option<&HeaderValue>) -> HeaderValue {
    let mut hash = Sha1::new();
    hash.update(key.map_or(&[][..], HeaderValue::as_bytes).trim_ascii());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    let text = BASE64_STANDARD.encode(hash.finalize());
    // Base64 is always a header's value.
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// RFC 6455 section 4.2.1, and what smugglers try.
pub(super) fn check_form<B>(request: &Request<B>) -> Result<(), Refused> {
    let headers = request.headers();
    let bad = |reason: &str| Err(Refused::new(StatusCode::BAD_REQUEST, reason));
    if request.method() != Method::GET {
        return Err(Refused::new(StatusCode::METHOD_NOT_ALLOWED, "a WebSocket is opened with GET"));
    }
    if request.version() != Version::HTTP_11 {
        return bad("a WebSocket is opened with HTTP/1.1");
    }
    if headers.contains_key(TRANSFER_ENCODING)
        || headers.get(CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0")
    {
        return bad("an upgrade has no body");
    }
    let upgrade = one(headers, &UPGRADE)?;
    if !upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
        return Err(Refused::new(StatusCode::UPGRADE_REQUIRED, "send \"Upgrade: websocket\"")
            .with(UPGRADE, HeaderValue::from_static("websocket")));
    }
    if !tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade")) {
        return bad("send \"Connection: Upgrade\"");
    }
    if one(headers, &SEC_WEBSOCKET_VERSION)? != Some("13") {
        return Err(Refused::new(StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version must be 13")
            .with(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    }
    if !one(headers, &SEC_WEBSOCKET_KEY)?.is_some_and(is_key) {
        return bad("Sec-WebSocket-Key must be 16 bytes in base64");
    }
    Ok(())
}

/// 16 bytes of base64: 22 of its characters and two of padding.
fn is_key(key: &str) -> bool {
    key.len() == 24
        && key.ends_with("==")
        && key[..22].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
}

/// A header that may stand once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refused> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).map(str::trim);
    if values.next().is_some() {
        return Err(Refused::new(StatusCode::BAD_REQUEST, &format!("{name} stands more than once")));
    }
    Ok(value)
}

/// The comma-separated tokens of a header, over all its lines.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

/// The subprotocols that a client offered.
pub(super) struct Offered<'a> {
    names: Vec<&'a str>,
    bearer: Option<&'a str>,
    /// The whole subprotocol that brought it, if that may be echoed.
    echoed: Option<&'a str>,
}

impl<'a> Offered<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Result<Self, Refused> {
        let mut offered = Self { names: Vec::new(), bearer: None, echoed: None };
        for name in tokens(headers, &SEC_WEBSOCKET_PROTOCOL) {
            let of_mcp = name.strip_prefix(MCP_BEARER_PREFIX);
            match name.strip_prefix(BEARER_PREFIX).or(of_mcp) {
                None => offered.names.push(name),
                Some(token) if offered.bearer.is_none() => {
                    (offered.bearer, offered.echoed) = (Some(token), of_mcp.map(|_| name));
                }
                Some(_) => return Err(Refused::new(StatusCode::BAD_REQUEST, "two tokens were offered")),
            }
        }
        Ok(offered)
    }

    /// The first that is known, and what is echoed. Where none was asked for, the first message shows it.
    pub(super) fn wire(&self) -> Result<(Wire, Option<&'a str>), Refused> {
        if self.names.is_empty() && self.bearer.is_none() {
            return Ok((Wire::Undecided, None));
        }
        if self.names.is_empty() && self.echoed.is_some() {
            return Ok((Wire::Mcp, self.echoed));
        }
        let known = self.names.iter().find_map(|name| Some((Wire::from_name(name)?, Some(*name))));
        known.ok_or_else(|| {
            Refused::new(
                StatusCode::BAD_REQUEST,
                "no known subprotocol was offered; known are mcp.v1, mcp.v1.binary and mcp",
            )
        })
    }
}

fn shut_out(shut: &Shut) -> Refused {
    let (reason, status) = match shut {
        Shut::Malformed(_) => (Refusal::BadRequest, StatusCode::BAD_REQUEST),
        Shut::Address(_) => (Refusal::Address, StatusCode::FORBIDDEN),
        Shut::Host | Shut::Origin => (Refusal::Forbidden, StatusCode::FORBIDDEN),
    };
    Refused(reason, Box::new(refuse(status, &shut.to_string())), shut.judged())
}

fn unauthorized(refusal: &TokenRefusal) -> Refused {
    let Refused(_, response, _) = Refused::new(StatusCode::UNAUTHORIZED, &refusal.to_string())
        .with(WWW_AUTHENTICATE, token::challenge(refusal));
    Refused(Refusal::Unauthorized, response, Some(refusal.name()))
}

fn unredeemed(why: Unredeemed) -> Refused {
    let Unredeemed::Refused(refusal) = why else {
        let Refused(_, response, _) = Refused::new(StatusCode::SERVICE_UNAVAILABLE, &why.to_string())
            .with(RETRY_AFTER, HeaderValue::from_static("1"));
        return Refused(Refusal::Unavailable, response, None);
    };
    unauthorized(&refusal)
}

fn no_place(why: NoPlace) -> Refused {
    let judged = why.judged();
    let (reason, status) = if judged.is_some() {
        (Refusal::RateLimited, StatusCode::TOO_MANY_REQUESTS)
    } else {
        (Refusal::Unavailable, StatusCode::SERVICE_UNAVAILABLE)
    };
    Refused(reason, Box::new(refuse(status, &why.to_string())), judged)
        .with(RETRY_AFTER, HeaderValue::from_static("1"))
}
