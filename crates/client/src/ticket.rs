//! What a session is resumed with. Kept by the client, never shown.

use std::fmt;

use serde::Deserialize;

/// The right to resume a session.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) session_id: String,
    pub(crate) resume_token: String,
    /// The same for every attempt to use it: the answer to one may be lost, and the next gets it again.
    pub(crate) attempt: String,
    /// How often that was attempted; one that was held back on its way is known by its lower turn.
    pub(crate) turn: u32,
}

impl Ticket {
    pub(crate) fn new(session_id: String, resume_token: String) -> Self {
        Self { session_id, resume_token, attempt: uuid::Uuid::now_v7().simple().to_string(), turn: 0 }
    }
}

/// The params of `session.changed`.
#[derive(Deserialize)]
pub(crate) struct Change {
    session_id: String,
    resumable: bool,
    #[serde(default)]
    resume_token: Option<String>,
}

impl Change {
    /// What the session is resumed with from now on.
    pub(crate) fn into_ticket(self) -> Option<Ticket> {
        let resume_token = self.resume_token.filter(|_| self.resumable)?;
        Some(Ticket::new(self.session_id, resume_token))
    }
}

impl fmt::Debug for Ticket {
    /// Shows everything but the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ticket").field("session_id", &self.session_id).finish_non_exhaustive()
    }
}
