//! What the audit log is told of a session, and the log of its end.

use super::Session;
use crate::audit::{Entry, Event};
use crate::shard::Peer;
use protocol::CloseCode;

impl Session {
    /// A decision about whoever holds this session at this connection.
    pub(crate) fn decision(&self, event: Event, peer: &Peer) -> Entry {
        Entry::new(event).connection(peer.id()).address(peer.address()).holder(&self.identity)
    }

    /// The line of the log that says how its connection ends.
    pub(crate) fn log_end(&self, peer: &Peer, code: Option<CloseCode>, reason: &str, what: &str) {
        let session = self.opened.as_ref().map(|_| tracing::field::display(self.id));
        tracing::debug!(
            connection = peer.id(),
            session,
            tenant = self.identity.tenant(),
            agent = self.identity.agent(),
            code = code.map(CloseCode::as_u16),
            reason,
            "{what}"
        );
    }
}
