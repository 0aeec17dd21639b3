//! `/admin/v1/sessions`: those that are open at this pod, and any one by its id, wherever it is.

use super::Admin;
use super::answer::{Answer, Refused, json};
use super::asked::Asked;
use super::connections::since;
use super::pages::Query;
use crate::audit::Event;
use crate::inquiry::{Errand, Report, Whom};
use crate::mail::{Letter, Memo};
use crate::rest::streamable::streaming_pod;
use crate::session::subscriptions_in;
use hyper::StatusCode;
use serde::Serialize;
use session_store::{Channel as _, Epoch, Error, Seen, SessionId, Sessions as _};
use uuid::Uuid;

/// A session that is resumed while it is ended is looked at again, so many times.
const TURNS: usize = 5;

#[derive(Serialize)]
struct List {
    sessions: Vec<Open>,
    cursor: Option<String>,
}

/// A session that is open at this pod.
#[derive(Serialize)]
struct Open {
    id: Uuid,
    tenant: Box<str>,
    agent: Box<str>,
    connection: u64,
    since: String,
    epoch: Option<u64>,
    resumable: bool,
    subscriptions: Box<[Box<str>]>,
    calls_in_flight: usize,
    unacknowledged: usize,
    lag: u64,
}

/// A session, wherever it is.
#[derive(Serialize)]
struct One {
    id: Uuid,
    tenant: String,
    agent: String,
    /// How it stands at this pod; null if it is not open here.
    here: Option<Open>,
    /// What the store has of it; null if it has nothing.
    store: Option<Stored>,
}

#[derive(Serialize)]
struct Stored {
    /// The pod that holds it, or held it last.
    pod: String,
    attached: bool,
    epoch: u64,
    /// After how many milliseconds it is forgotten if nothing happens.
    expires_in_ms: u64,
    subscriptions: Vec<String>,
    journal: Journal,
}

#[derive(Serialize)]
struct Journal {
    running: usize,
    ended: usize,
    bytes: usize,
}

/// Lists those that are open here.
///
/// # Errors
/// A query that is none, or a shard that is too busy.
pub(super) async fn list(admin: &Admin, asked: &Asked) -> Result<Answer, Refused> {
    let (filter, cursor, limit) = asked.query::<Query>()?.read(true)?;
    let (reports, next) = admin.shards.connections(filter, cursor, limit).await?;
    let sessions = reports.into_iter().map(Open::of).collect();
    Ok(json(StatusCode::OK, &List { sessions, cursor: next.map(|cursor| cursor.to_string()) }))
}

/// Shows one.
///
/// # Errors
/// 404 if there is none of this id, 503 if the store can't say.
pub(super) async fn show(admin: &Admin, asked: &Asked) -> Result<Answer, Refused> {
    let id = id_of(asked)?;
    let here = admin.shards.one(Whom::Session(id), Errand::Report).await?;
    let stored = match admin.store.look(id).await {
        Err(error) if here.is_none() => return Err(unknown_to_all(&error)),
        stored => stored.ok().flatten(),
    };
    let (tenant, agent) = match (&here, &stored) {
        (Some(report), _) => (report.tenant.to_string(), report.agent.to_string()),
        (None, Some(seen)) => (seen.tenant.clone(), seen.agent.clone()),
        (None, None) => return Err(missing(id)),
    };
    let one = One { id: id.0, tenant, agent, here: here.map(Open::of), store: stored.map(Stored::of) };
    Ok(json(StatusCode::OK, &one))
}

/// Ends one for good, wherever it is: its connection is closed, and nobody resumes it.
///
/// # Errors
/// 404 if there is none of this id, 503 if the store can't be asked.
pub(super) async fn end(admin: &Admin, asked: &Asked) -> Result<Answer, Refused> {
    let id = id_of(asked)?;
    let here = admin.shards.one(Whom::Session(id), Errand::End).await?;
    let stored = forget(admin, id).await;
    let (tenant, agent) = match (&here, &stored) {
        (Some(report), _) => (report.tenant.to_string(), report.agent.to_string()),
        (None, Ok(Some(seen))) => (seen.tenant.clone(), seen.agent.clone()),
        (None, Ok(None)) => return Err(missing(id)),
        (None, Err(error)) => return Err(unknown_to_all(error)),
    };
    let problem = stored.err().map(|error| format!("{error}; it has ended here, and the store was not told"));
    admin.pod.audit.tell(|| {
        asked.caller.entry(Event::SessionEnded).session(id.0).subject(Some(&tenant), Some(&agent), None)
    });
    tracing::info!(session = %id, operator = asked.caller.name(), "ended by an operator");
    let status = if problem.is_none() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let done = serde_json::json!({"ended": id.0, "tenant": tenant, "agent": agent, "problem": problem});
    Ok(json(status, &done))
}

/// Has the store forget it and its pod close its connection; what the store knew of it.
async fn forget(admin: &Admin, id: SessionId) -> Result<Option<Seen>, Error> {
    let mut first = None;
    for _ in 0..TURNS {
        let Some(seen) = admin.store.look(id).await? else { break };
        if seen.pod != admin.pod.id {
            // A pod that did not hear it would put the session back; it finds out that it is over by this letter alone.
            admin.store.send(&seen.pod, &Letter::Over { session: id.0 }.encode()).await?;
        }
        let ended = admin.store.end(id, seen.epoch).await;
        if ended.is_ok() {
            end_stream(admin, id, &seen).await;
        }
        first.get_or_insert(seen);
        match ended {
            Ok(()) => break,
            // Somebody has just resumed it.
            Err(Error::Stale) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(first)
}

/// Has the stream of a session by HTTP look at it again, at whichever pod it is. One that does not hear it looks now and then.
async fn end_stream(admin: &Admin, id: SessionId, seen: &Seen) {
    let Some(pod) = streaming_pod(&seen.state) else { return };
    let letter = Letter::taken(id, Epoch(seen.epoch.0 + 1));
    if pod == admin.pod.id {
        for shard in admin.shards.ways() {
            let _ = shard.try_send(Memo::Letter(letter.clone()));
        }
    } else if let Err(error) = admin.store.send(&pod, &letter.encode()).await {
        tracing::debug!(session = %id, %error, "the stream of a session that has ended was not told");
    }
}

pub(super) fn id_of(asked: &Asked) -> Result<SessionId, Refused> {
    let id = asked.id.parse().map_err(|_| Refused::wrong("the id of a session is a UUID"))?;
    Ok(SessionId(id))
}

pub(super) fn missing(id: SessionId) -> Refused {
    Refused::new(StatusCode::NOT_FOUND, format!("there is no session {id}, neither here nor in the store"))
}

fn unknown_to_all(error: &Error) -> Refused {
    let reason = format!("it is not open here, and the store can't be asked: {error}");
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason)
}

impl Open {
    fn of(report: Report) -> Self {
        Self {
            id: report.session,
            since: since(&report),
            tenant: report.tenant,
            agent: report.agent,
            connection: report.connection,
            epoch: report.opened.map(|opened| opened.epoch.0),
            resumable: report.opened.is_some_and(|opened| opened.resumable),
            subscriptions: report.subscriptions,
            calls_in_flight: report.calls_in_flight,
            unacknowledged: report.opened.map_or(0, |opened| opened.unacknowledged),
            lag: report.lag,
        }
    }
}

impl Stored {
    fn of(seen: Seen) -> Self {
        let Seen { pod, epoch, attached, left, state, running, ended, bytes, .. } = seen;
        Self {
            pod: pod.to_string(),
            attached,
            epoch: epoch.0,
            expires_in_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
            subscriptions: subscriptions_in(&state),
            journal: Journal { running, ended, bytes },
        }
    }
}
