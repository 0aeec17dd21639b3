//! Whose request it is: the one place that looks for a token in a request.

use super::ticket;
use crate::shard::Shard;
use auth::{Identity, Refusal};
use hyper::Uri;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// What a token is called by those who put one into a URL.
const SECRETS: [&str; 6] = ["token", "access_token", "jwt", "paseto", "bearer", "api_key"];

/// The token's holder. A token in the URL would stand in every log on its way, so it is refused unseen. `bearer` is a
/// token that came in another way than in a header, `holder` whose certificate was shown: without a token it is who asks.
///
/// # Errors
/// Why the token is not accepted.
///
/// # Cancel safety
/// Nothing is lost.
pub(crate) async fn identify(
    uri: &Uri,
    headers: &HeaderMap,
    bearer: Option<&str>,
    holder: Option<&Identity>,
    shard: &Shard,
) -> Result<Identity, Refusal> {
    verify(uri, headers, bearer, holder, shard)
        .await
        .inspect_err(|refusal| tracing::info!(reason = refusal.name(), "a token was refused"))
}

async fn verify(
    uri: &Uri,
    headers: &HeaderMap,
    bearer: Option<&str>,
    holder: Option<&Identity>,
    shard: &Shard,
) -> Result<Identity, Refusal> {
    check_uri(uri)?;
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let bearer = match (headers.next(), headers.next(), bearer) {
        (Some(value), None, None) => Some(bearer_of(value).ok_or(Refusal::Malformed)?),
        (None, None, bearer) => bearer,
        _ => return Err(Refusal::Malformed),
    };
    match bearer {
        Some(token) => {
            let identity = shard.verify_patiently(token).await?;
            check_holder(identity, holder, shard)
        }
        None => holder.map_or_else(|| shard.anonymous(), |holder| shard.unrevoked(holder.clone())),
    }
}

/// Whether nothing secret stands in the URL.
fn check_uri(uri: &Uri) -> Result<(), Refusal> {
    let names =
        || uri.query().unwrap_or_default().split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    if names().any(|name| SECRETS.iter().any(|known| name.eq_ignore_ascii_case(known))) {
        return Err(Refusal::InUrl);
    }
    // Where one is taken it was taken before.
    if names().any(|name| name == ticket::PARAMETER) { Err(Refusal::MisplacedTicket) } else { Ok(()) }
}

/// The identity, unless another's certificate was shown and both have to be the same.
pub(super) fn check_holder(
    identity: Identity,
    holder: Option<&Identity>,
    shard: &Shard,
) -> Result<Identity, Refusal> {
    let is_same = || holder.is_some_and(|holder| holder.is_same_holder(&identity));
    if shard.terms().config.tls.client_must_match_token && !is_same() {
        return Err(Refusal::WrongHolder);
    }
    Ok(identity)
}

pub(super) fn bearer_of(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of `WWW-Authenticate`.
pub(crate) fn challenge(refusal: &Refusal) -> HeaderValue {
    HeaderValue::from_str(&refusal.challenge())
        .unwrap_or_else(|_| HeaderValue::from_static("Bearer realm=\"mcpw\""))
}
