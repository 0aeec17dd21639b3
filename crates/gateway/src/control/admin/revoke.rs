//! `POST /admin/v1/revoke`: what an operator says, and what is answered.

use super::Admin;
use super::answer::{Answer, Refused, json};
use super::asked::Asked;
use crate::audit::Event;
use crate::revoked::Subject;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use session_store::Error;

/// What is to be revoked, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
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

/// Does it, and says how far it is known.
///
/// # Errors
/// It is no revocation, or too much is revoked already.
pub(super) async fn revoke(admin: &Admin, asked: Asked) -> Result<Answer, Refused> {
    let caller = asked.caller;
    let wanted: Wanted = Asked::json(asked.body).await?;
    let reason = wanted.reason.clone();
    let (ttl, revoked) = (admin.revocation_ttl, subject(wanted).map_err(Refused::wrong)?);
    tracing::info!(
        revoked = revoked.encode(),
        operator = caller.name(),
        reason = reason.as_deref(),
        "revoked"
    );
    let problem = match admin.revocations.revoke(revoked.clone(), ttl).await {
        Ok(()) => None,
        Err(error @ Error::Full { .. }) => {
            return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()));
        }
        Err(error) => {
            Some(format!("{error}; it counts at this pod, the others follow when the store is back"))
        }
    };
    admin.pod.audit.tell(|| {
        let entry = caller.entry(Event::Revoke);
        let entry = match &revoked {
            Subject::Token(id) => entry.subject(None, None, Some(id)),
            Subject::Agent(tenant, agent) => entry.subject(Some(tenant), Some(agent), None),
            Subject::Tenant(tenant) => entry.subject(Some(tenant), None, None),
        };
        match reason {
            Some(reason) => entry.reason(String::from(reason)),
            None => entry,
        }
    });
    let status = if problem.is_none() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
    Ok(json(status, &Done { revoked, ttl_ms, shared: problem.is_none(), problem }))
}

fn subject(wanted: Wanted) -> Result<Subject, &'static str> {
    let is_name = |name: &str| (1..=128).contains(&name.len()) && !name.chars().any(char::is_control);
    let names = [&wanted.token_id, &wanted.tenant, &wanted.agent];
    if !names.into_iter().flatten().all(|name| is_name(name)) {
        return Err("token_id, tenant and agent must have 1 to 128 bytes and no control characters");
    }
    match (wanted.token_id, wanted.tenant, wanted.agent) {
        (Some(id), None, None) => Ok(Subject::Token(id)),
        (None, Some(tenant), Some(agent)) => Ok(Subject::Agent(tenant, agent)),
        (None, Some(tenant), None) => Ok(Subject::Tenant(tenant)),
        _ => Err("name token_id alone, tenant with agent, or tenant alone"),
    }
}
