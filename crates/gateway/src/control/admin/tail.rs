//! `/admin/v1/sessions/{id}/tail`: each message of a session as it comes, as server-sent events. What is in a message never
//! gets here: the session tells only what it is.

use super::Admin;
use super::access::Caller;
use super::answer::{Answer, Refused, events};
use super::asked::Asked;
use super::sessions::{id_of, missing};
use crate::audit::Event;
use crate::inquiry::{Errand, Line, Watch, Whom};
use crate::rest::{KEEP_ALIVE, event};
use bytes::Bytes;
use futures_util::stream;
use hyper::StatusCode;
use serde::Deserialize;
use session_store::{SessionId, Sessions as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

/// Messages that wait for an operator; more are left out, and counted.
const WAITING: usize = 256;
/// How long nothing may happen before the stream says that it lives.
const QUIET: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    keys: Option<String>,
}

/// A session that is watched.
struct Tailed {
    admin: Arc<Admin>,
    caller: Caller,
    lines: mpsc::Receiver<Line>,
    _place: OwnedSemaphorePermit,
}

/// Begins to tell.
///
/// # Errors
/// 404 if there is no such session, 409 if it is held elsewhere or watched already, 429 if too many are watched.
pub(super) async fn begin(admin: Arc<Admin>, asked: Asked) -> Result<Answer, Refused> {
    let id = id_of(&asked)?;
    let keys = match asked.query::<Query>()?.keys.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Refused::wrong("keys: true or false is needed")),
    };
    let place = Arc::clone(&admin.tails).try_acquire_owned().map_err(|_| {
        let most = admin.config.admin.max_tails;
        let reason = format!("{most} sessions are tailed already, which is admin.max_tails");
        Refused::new(StatusCode::TOO_MANY_REQUESTS, reason)
    })?;
    let (sender, lines) = mpsc::channel(WAITING);
    let watch = Watch { lines: sender, keys };
    let begun = admin.shards.one(Whom::Session(id), |answer| Errand::Tail(watch.clone(), answer)).await?;
    drop(watch);
    match begun {
        Some(true) => {}
        Some(false) => {
            let reason = "the session is tailed by somebody else already, or is closing";
            return Err(Refused::new(StatusCode::CONFLICT, reason));
        }
        None => return Err(elsewhere(&admin, id).await),
    }
    admin.pod.audit.tell(|| asked.caller.entry(Event::Tail).session(id.0));
    tracing::info!(session = %id, operator = asked.caller.name(), keys, "tailed");
    let tailed = Tailed { admin, caller: asked.caller, lines, _place: place };
    Ok(events(stream::unfold(Some(tailed), |tailed| async move {
        let mut tailed = tailed?;
        let next = tailed.next().await;
        match next {
            Ok(told) => Some((told, Some(tailed))),
            Err(last) => Some((last, None)),
        }
    })))
}

impl Tailed {
    /// What is told next; an error is the last.
    async fn next(&mut self) -> Result<Bytes, Bytes> {
        if !self.admin.access.holds(&self.caller) {
            return Err(end("the operator's token does not count any more"));
        }
        match timeout(QUIET, self.lines.recv()).await {
            Err(_) => Ok(Bytes::from_static(KEEP_ALIVE)),
            Ok(None) => Err(end("the session's connection has ended")),
            Ok(Some(line)) => {
                let told = serde_json::to_vec(&line).unwrap_or_default();
                Ok(event("message", "", &told))
            }
        }
    }
}

fn end(reason: &str) -> Bytes {
    event("end", "", serde_json::json!({"reason": reason}).to_string().as_bytes())
}

/// Why it can't be watched here.
async fn elsewhere(admin: &Admin, id: SessionId) -> Refused {
    match admin.store.look(id).await {
        Ok(Some(seen)) if seen.attached && seen.pod != admin.pod.id => {
            let reason = format!("the session is open at the pod {}: ask there", seen.pod);
            Refused::new(StatusCode::CONFLICT, reason)
        }
        Ok(Some(_)) => Refused::new(StatusCode::CONFLICT, "nobody is connected to the session"),
        Ok(None) | Err(_) => missing(id),
    }
}
