//! Tickets at the upgrade: what stands in its URL in place of a token, for clients that can set no header.

use super::token;
use crate::shard::Shard;
use auth::{Identity, Refusal};
use hyper::Uri;
use hyper::header::{AUTHORIZATION, HeaderMap};
use session_store::{Error, Ticket, Tickets as _};

/// What a ticket is called in a URL.
pub(crate) const PARAMETER: &str = "ticket";

/// Why nobody comes in.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unredeemed {
    /// The ticket, or the token, is not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store can't be asked.
    #[error("the store is out of reach: come back with another ticket, or with a token")]
    OutOfReach,
}

/// The ticket in a URL, or what stands in its place.
pub(super) fn of(uri: &Uri) -> Option<&str> {
    let mut pairs = uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix(PARAMETER)?.strip_prefix('='))
}

/// Who comes in by this ticket. It is worth nothing afterwards, whatever becomes of the upgrade.
///
/// # Errors
/// It is not accepted; the store is out of reach.
///
/// # Cancel safety
/// The ticket may have been taken.
pub(super) async fn redeem(
    ticket: &str,
    headers: &HeaderMap,
    bearer: Option<&str>,
    holder: Option<&Identity>,
    shard: &Shard,
) -> Result<Identity, Unredeemed> {
    let redeemed = take(ticket, headers, bearer, holder, shard).await;
    redeemed.inspect_err(|why| tracing::info!(%why, "a ticket was refused"))
}

async fn take(
    ticket: &str,
    headers: &HeaderMap,
    bearer: Option<&str>,
    holder: Option<&Identity>,
    shard: &Shard,
) -> Result<Identity, Unredeemed> {
    let terms = shard.terms();
    if !terms.config.auth.tickets.enabled || headers.contains_key(AUTHORIZATION) || bearer.is_some() {
        return Err(Refusal::MisplacedTicket.into());
    }
    let ticket = Ticket::parse(ticket).ok_or(Refusal::UnknownTicket)?;
    let taken = shard.store.take(&ticket).await.map_err(|error: Error| {
        tracing::debug!(%error, "a ticket could not be taken");
        Unredeemed::OutOfReach
    })?;
    let identity = terms.verifier.redeem(&taken.ok_or(Refusal::UnknownTicket)?)?;
    Ok(token::check_holder(shard.unrevoked(identity)?, holder, shard)?)
}
