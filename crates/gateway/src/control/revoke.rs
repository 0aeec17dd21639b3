//! `POST /admin/v1/revoke`: what an operator says, and what is answered.

use super::revocations::Revocations;
use crate::audit::{Entry, Event};
use crate::revoked::Subject;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use session_store::Error;
use std::time::Duration;

const BODY_LIMIT: usize = 4_096;
const PATIENCE: Duration = Duration::from_secs(10);

/// What is to be revoked, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    token_id: Option<Box<str>>,
    tenant: Option<Box<str>>,
    agent: Option<Box<str>>,
    reason: Option<Box<str>>,
}

/// The answer.
#[derive(Serialize)]
struct Done {
    revoked: Subject,
    ttl_ms: u64,
    /// Whether all pods learn of it within a second.
    shared: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// Does it; the status and the JSON of the answer, and what the audit log is told.
///
/// # Errors
/// The status and the words of a refusal.
pub(super) async fn answer(
    body: Incoming,
    revocations: &Revocations,
    ttl: Duration,
) -> Result<(StatusCode, Bytes, Entry), (StatusCode, String)> {
    let wrong = |problem: String| (StatusCode::BAD_REQUEST, problem);
    let whole = tokio::time::timeout(PATIENCE, Limited::new(body, BODY_LIMIT).collect()).await;
    let whole = match whole {
        Ok(Ok(whole)) => whole.to_bytes(),
        Ok(Err(error)) => {
            return Err(wrong(format!("the body can't be read: {error}; it may have 4,096 bytes")));
        }
        Err(_) => {
            return Err((StatusCode::REQUEST_TIMEOUT, "the body did not come whole in time".to_owned()));
        }
    };
    let asked: Asked =
        serde_json::from_slice(&whole).map_err(|error| wrong(format!("no such request: {error}")))?;
    let reason = asked.reason.clone();
    let revoked = subject(asked).map_err(|problem| wrong(problem.to_owned()))?;
    tracing::info!(revoked = revoked.encode(), reason = reason.as_deref(), "revoked");
    let problem = match revocations.revoke(revoked.clone(), ttl).await {
        Ok(()) => None,
        Err(error @ Error::Full { .. }) => return Err((StatusCode::SERVICE_UNAVAILABLE, error.to_string())),
        Err(error) => {
            Some(format!("{error}; it counts at this pod, the others follow when the store is back"))
        }
    };
    let status = if problem.is_none() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
    let entry = Entry::new(Event::Revoke);
    let entry = match &revoked {
        Subject::Token(id) => entry.subject(None, None, Some(id)),
        Subject::Agent(tenant, agent) => entry.subject(Some(tenant), Some(agent), None),
        Subject::Tenant(tenant) => entry.subject(Some(tenant), None, None),
    };
    let entry = match reason {
        Some(reason) => entry.reason(String::from(reason)),
        None => entry,
    };
    let done = Done { revoked, ttl_ms, shared: problem.is_none(), problem };
    // Names and numbers can always be written.
    Ok((status, serde_json::to_vec(&done).unwrap_or_default().into(), entry))
}

fn subject(asked: Asked) -> Result<Subject, &'static str> {
    let is_name = |name: &str| (1..=128).contains(&name.len()) && !name.chars().any(char::is_control);
    let names = [&asked.token_id, &asked.tenant, &asked.agent];
    if !names.into_iter().flatten().all(|name| is_name(name)) {
        return Err("token_id, tenant and agent must have 1 to 128 bytes and no control characters");
    }
    match (asked.token_id, asked.tenant, asked.agent) {
        (Some(id), None, None) => Ok(Subject::Token(id)),
        (None, Some(tenant), Some(agent)) => Ok(Subject::Agent(tenant, agent)),
        (None, Some(tenant), None) => Ok(Subject::Tenant(tenant)),
        _ => Err("name token_id alone, tenant with agent, or tenant alone"),
    }
}
