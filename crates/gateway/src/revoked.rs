//! What is revoked, as every shard looks it up. It refuses to know who revokes, and how other pods hear of it.

use auth::Identity;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// What is revoked: one token, all of an agent's, or all of a tenant's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    /// The token with this `jti`, or the API key `mcpw_<id>`.
    Token(Box<str>),
    /// Of this tenant this agent.
    Agent(Box<str>, Box<str>),
    /// Everybody of this tenant.
    Tenant(Box<str>),
}

impl Subject {
    /// The same for the same subject, at every pod.
    pub(crate) fn encode(&self) -> String {
        // Names can always be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Everything that is revoked at one moment.
#[derive(Debug, Default)]
pub(crate) struct Revoked {
    tokens: HashSet<Box<str>>,
    /// By tenant.
    agents: HashMap<Box<str>, HashSet<Box<str>>>,
    tenants: HashSet<Box<str>>,
}

impl Revoked {
    pub(crate) fn of<'a>(subjects: impl Iterator<Item = &'a Subject>) -> Self {
        let mut revoked = Self::default();
        for subject in subjects {
            match subject.clone() {
                Subject::Token(id) => _ = revoked.tokens.insert(id),
                Subject::Agent(tenant, agent) => _ = revoked.agents.entry(tenant).or_default().insert(agent),
                Subject::Tenant(tenant) => _ = revoked.tenants.insert(tenant),
            }
        }
        revoked
    }

    /// Whether what this identity stands for is revoked.
    pub(crate) fn has(&self, identity: &Identity) -> bool {
        let (tenant, agent) = (identity.tenant(), identity.agent());
        self.tenants.contains(tenant)
            || self.agents.get(tenant).is_some_and(|agents| agents.contains(agent))
            || identity.token_id().is_some_and(|id| self.tokens.contains(id))
    }
}
