//! What the audit log says of one decision: who, from where, and why. No token and no params are ever in it.

use auth::Identity;
use jiff::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::net::IpAddr;

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A WebSocket was let in.
    Connect,
    /// Somebody was not let in, or brought a fresh token that is not accepted.
    Refuse,
    /// A fresh token was accepted.
    Refresh,
    /// An operator revoked something.
    Revoke,
    /// A session went on at another connection, and this one ended.
    Takeover,
    /// A session was not given to whoever asked for it.
    ResumeRefused,
    /// An operator had the pod drain.
    Drain,
    /// Something was not done that was asked for at the operators' port.
    AdminRefused,
    /// An operator had a connection closed.
    ConnectionClosed,
    /// An operator ended a session.
    SessionEnded,
    /// An operator began to watch the messages of a session.
    Tail,
    /// The configuration was read again.
    Reload,
    /// It was to be, and was wrong.
    ReloadRefused,
    /// An operator set from which level on lines are logged.
    LogLevel,
    /// A request was answered with 4013.
    Forbidden,
    /// A signed message was not taken.
    SignatureRefused,
    /// A backend was not let in, or may not offer or publish something.
    RegistrationRefused,
    /// A backend's registration ended, since its proof does not count any more.
    RegistrationEnded,
    /// Lines could not be written: so many.
    Lost,
    /// The line before was not written whole.
    Torn,
    /// The file was opened again.
    Reopened,
}

/// One decision.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    #[serde(serialize_with = "written")]
    time: Timestamp,
    event: Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    /// Which operator asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<uuid::Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'static, str>>,
    /// How many lines are lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// How many refusals it stands for, if it was not told at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
}

/// What refusals have in common that are told together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    event: Event,
    address: Option<IpAddr>,
    tenant: Option<Box<str>>,
    agent: Option<Box<str>>,
    reason: Option<Cow<'static, str>>,
}

impl Kind {
    /// The same for the same reason, whoever it was.
    pub(super) fn of_anybody(self) -> Self {
        Self { address: None, tenant: None, agent: None, ..self }
    }

    #[cfg(test)]
    pub(super) const fn address(&self) -> Option<IpAddr> {
        self.address
    }
}

impl Entry {
    /// Something that was decided just now.
    pub(crate) fn new(event: Event) -> Self {
        Self {
            time: Timestamp::now(),
            event,
            connection: None,
            address: None,
            operator: None,
            session: None,
            tenant: None,
            agent: None,
            token_id: None,
            reason: None,
            count: None,
            times: None,
        }
    }

    /// So many more refusals of this kind.
    pub(super) fn folded(kind: &Kind, times: u64) -> Self {
        let Kind { event, address, tenant, agent, reason } = kind.clone();
        Self { address, tenant, agent, reason, times: Some(times), ..Self::new(event) }
    }

    /// Of which kind it is, if it is a refusal.
    pub(super) fn kind(&self) -> Option<Kind> {
        let Self { event, address, tenant, agent, reason, .. } = self;
        matches!(event, Event::Refuse | Event::AdminRefused).then(|| Kind {
            event: *event,
            address: *address,
            tenant: tenant.clone(),
            agent: agent.clone(),
            reason: reason.clone(),
        })
    }

    #[cfg(test)]
    pub(super) fn times(&self) -> u64 {
        self.times.unwrap_or(1)
    }

    /// So many lines are lost.
    pub(super) fn lost(count: u64) -> Self {
        Self { count: Some(count), ..Self::new(Event::Lost) }
    }

    /// On which connection of the process.
    pub(crate) fn connection(self, id: u64) -> Self {
        Self { connection: Some(id), ..self }
    }

    /// From where.
    pub(crate) fn address(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// By the will of which operator.
    pub(crate) fn operator(self, name: &str) -> Self {
        Self { operator: Some(name.into()), ..self }
    }

    /// About which session.
    pub(crate) fn session(self, id: uuid::Uuid) -> Self {
        Self { session: Some(id), ..self }
    }

    /// Whose token was shown.
    pub(crate) fn holder(self, identity: &Identity) -> Self {
        let token_id = identity.token_id();
        self.subject(Some(identity.tenant()), Some(identity.agent()), token_id)
    }

    /// Whom it is about.
    pub(crate) fn subject(self, tenant: Option<&str>, agent: Option<&str>, token_id: Option<&str>) -> Self {
        let known = |name: Option<&str>| name.filter(|name| !name.is_empty()).map(Box::from);
        Self { tenant: known(tenant), agent: known(agent), token_id: known(token_id), ..self }
    }

    /// Why.
    pub(crate) fn reason(self, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: Some(reason.into()), ..self }
    }
}

fn written<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}
