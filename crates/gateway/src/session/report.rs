//! What operators are told of a session.

use super::Session;
use crate::inquiry::Opened;
use uuid::Uuid;

impl Session {
    pub(crate) const fn id(&self) -> Uuid {
        self.id
    }

    /// Tenant and agent of its holder.
    pub(crate) fn whose(&self) -> (&str, &str) {
        (self.identity.tenant(), self.identity.agent())
    }

    /// Messages that its client has sent.
    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    pub(crate) fn calls_in_flight(&self) -> usize {
        self.calls.as_ref().map_or(0, |calls| calls.len())
    }

    /// What it is subscribed to, and how many events it is behind the newest that the shard knows.
    pub(crate) fn subscriptions(&self) -> (&[Box<str>], u64) {
        self.feed.as_ref().map_or((&[], 0), |feed| (feed.filter.names(), feed.lag()))
    }

    /// How it was opened; none before `initialize`.
    pub(crate) fn opened_as(&self) -> Option<Opened> {
        self.opened.as_ref().map(|opened| Opened {
            epoch: opened.epoch,
            resumable: opened.is_resumable(),
            unacknowledged: opened.unacknowledged(),
        })
    }

    /// Nothing of it outlives the connection.
    pub(crate) const fn give_up(&mut self) {
        self.is_over = true;
    }
}
