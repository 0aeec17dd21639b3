//! What the audit log is told of a session.

use super::Session;
use crate::audit::{Entry, Event};
use crate::shard::Peer;

impl Session {
    /// A decision about whoever holds this session at this connection.
    pub(crate) fn decision(&self, event: Event, peer: &Peer) -> Entry {
        Entry::new(event).connection(peer.id()).address(peer.address()).holder(&self.identity)
    }
}
