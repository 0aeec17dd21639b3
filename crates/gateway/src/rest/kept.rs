//! Calls that outlive their request, as REST asks for them and is told of them.

use super::ask::Ask;
use super::problem::Problem;
use super::running::{Hold, Running};
use crate::kept::{self, Asked, Named, Work};
use crate::mcp::Ends;
use crate::shard::Peer;
use crate::trace::CallSpan;
use hyper::StatusCode;
use protocol::ErrorCode;
use router::Failure;
use std::rc::Rc;

/// Makes the call, or joins it if it was made before. Answers once it stands in the journal. `ends` is what is made of its
/// end before that is kept.
///
/// # Errors
/// The same name was given to another request; the store is out of reach; too many calls of the holder run here.
pub(super) async fn start(
    ask: &Ask,
    named: &Named,
    work: Work,
    ends: Option<Ends>,
) -> Result<Running, Problem> {
    let span = ask.span.as_ref().map(CallSpan::of);
    let trace = ask.trace(span.as_ref());
    let peer = Rc::new(Peer::of_call(ask.shard().terms().config.websocket.max_unsent));
    let client = (Rc::clone(&peer), 0);
    let asked = Asked { identity: &ask.identity, named, work, ends, span, trace, client };
    let (kept, entered) = kept::start(ask.shard(), asked).map_err(problem)?;
    let entered = entered.await.unwrap_or_else(|_| Err(kept::not_entered()));
    let is_repeated = entered.map_err(problem)?;
    Ok(Running::new(peer, Hold::Kept { _kept: kept, is_repeated }))
}

/// Why a request is not kept: HTTP has a status for a key that was used for another one.
pub(super) fn problem(failure: Failure) -> Problem {
    let is_other = failure.code == ErrorCode::Conflict;
    let problem = Problem::from(failure);
    if is_other { problem.status(StatusCode::UNPROCESSABLE_ENTITY) } else { problem }
}
