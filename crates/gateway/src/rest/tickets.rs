//! `POST /tickets`: what a client that can set no header opens a WebSocket by, once and soon.

use super::answer::{self, Answer};
use super::ask::{Ask, JSON};
use super::problem::Problem;
use super::schema::TicketWritten;
use crate::kept::out_of_reach;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use protocol::ErrorCode;
use session_store::{Ticket, Tickets as _};
use std::time::Duration;

pub(super) async fn give(ask: &Ask) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    let (shard, terms) = (ask.shard(), ask.shard().terms());
    let settings = &terms.config.auth.tickets;
    if !settings.enabled {
        let detail = "no tickets are given out here: auth.tickets.enabled is not set";
        return Err(Problem::new(ErrorCode::MethodNotFound, detail));
    }
    // Nobody stays for longer by a ticket than by the token that it was given out for.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    let left = ask.identity.expires_at().map_or(u64::MAX, |at| at.saturating_sub(now));
    let expires_in = settings.ttl_s.min(left);
    if expires_in == 0 {
        return Err(Problem::new(ErrorCode::AuthenticationFailed, "the token has expired"));
    }
    let ticket = Ticket::fresh().map_err(|error| out_of_reach(&error))?;
    let ttl = Duration::from_secs(expires_in);
    shard.store.keep(&ticket, &ask.identity.to_ticket(), ttl).await.map_err(|error| out_of_reach(&error))?;
    let written = TicketWritten { ticket: ticket.reveal(), expires_in };
    let mut answer = answer::written(StatusCode::CREATED, &written);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}
