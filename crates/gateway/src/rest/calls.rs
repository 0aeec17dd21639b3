//! `GET` and `DELETE /calls/{id}`: a call that outlives its request, asked for at whichever pod.

use super::answer::{self, Answer};
use super::ask::{Ask, JSON};
use super::problem::Problem;
use super::schema::{CallState, CallWritten};
use crate::kept::{CallId, out_of_reach};
use crate::outcome;
use hyper::header::{HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode};
use protocol::ErrorCode;
use router::Event;
use session_store::{Entry, Error, Journal as _, Leases as _, PodId, SessionId};

pub(super) async fn answer(ask: &Ask, id: &str) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    let id = CallId::parse(id).ok_or_else(unknown)?;
    let session = id.session(&ask.identity);
    let found = ask.shard().store.lookup(session, &[&id.request()]).await;
    let entry = found.map_err(|error| out_of_reach(&error))?.pop().flatten().ok_or_else(unknown)?;
    if ask.head.method == Method::DELETE {
        return cancel(ask, id, session, &entry);
    }
    let end = end(ask, id, session, entry).await.map_err(|error| out_of_reach(&error))?;
    Ok(match end {
        Some(Event::Result(result)) => {
            // Results are JSON text; one that is not can't be shown.
            let result = serde_json::from_slice(&result).unwrap_or_default();
            written(StatusCode::OK, id, &CallState::Done { result })
        }
        Some(Event::Failed(failure)) => {
            let problem = Problem::from(failure).body();
            let problem = serde_json::from_slice(&problem).unwrap_or_default();
            written(StatusCode::OK, id, &CallState::Failed { problem })
        }
        _ => {
            let mut answer = written(StatusCode::OK, id, &CallState::Running);
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            answer
        }
    })
}

/// How the call stands, as JSON.
pub(super) fn written(status: StatusCode, id: CallId, state: &CallState<'_>) -> Answer {
    answer::written(status, &CallWritten { id: id.to_string(), state })
}

/// How it ended; `None` while it runs.
pub(super) async fn end(
    ask: &Ask,
    id: CallId,
    session: SessionId,
    entry: Entry,
) -> Result<Option<Event>, Error> {
    let shard = ask.shard();
    let (pod, repeatable) = match told(&entry) {
        Ok(end) => return Ok(Some(end)),
        Err(runs) => runs,
    };
    if *pod == shard.pod.id || shard.store.alive(pod).await? {
        return Ok(None);
    }
    // Its pod may have ended it before it died.
    let now = shard.store.lookup(session, &[&id.request()]).await?.pop().flatten();
    Ok(match now.as_ref().map(told) {
        Some(Ok(end)) => Some(end),
        Some(Err((owner, _))) if owner != pod => None,
        // Not taken over: whoever sends the request again with its key finds what its backend remembers of it, or has it
        // executed anew where it may be.
        _ if repeatable => Some(Event::Failed(outcome::repeatable("the pod that ran it died"))),
        _ => Some(Event::Failed(outcome::unknown("the pod that ran it died"))),
    })
}

/// How it ended, or which pod runs it and whether it may be executed twice.
fn told(entry: &Entry) -> Result<Event, (&PodId, bool)> {
    match entry {
        Entry::Done(ended) => Ok(outcome::decode(ended)),
        Entry::Forgotten => Ok(Event::Failed(outcome::forgotten())),
        Entry::Running { pod, repeatable } => Err((pod, *repeatable)),
    }
}

fn cancel(ask: &Ask, id: CallId, session: SessionId, entry: &Entry) -> Result<Answer, Problem> {
    if !matches!(entry, Entry::Running { .. }) {
        return Err(Problem::new(ErrorCode::Conflict, "the call has ended already"));
    }
    ask.shard().cancel_elsewhere(session, &id.request());
    Ok(answer::empty(StatusCode::NO_CONTENT))
}

fn unknown() -> Problem {
    let detail = "no such call of this agent; a call is forgotten store.bounds.journal_age_ms after its end";
    Problem::new(ErrorCode::NotFound, detail)
}
