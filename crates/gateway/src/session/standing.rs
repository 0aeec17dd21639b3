//! How a session stands with the store: whether it can be resumed, which of its answers the client has, and which ids
//! came before.

use crate::shard::Shard;
use crate::wheel::Tick;
use session_store::{Epoch, TokenHash};
use std::collections::HashMap;
use std::sync::Arc;
use std::vec::Drain;

/// Whether the session's calls are journalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// They are, and the client can resume the session.
    Journalled,
    /// The store is out of reach, and the client was told so before this ping; until it has answered, it may believe that
    /// it can resume.
    Doubted { ping: u32 },
    /// The client knows that it cannot resume.
    Alone,
}

/// What an opened session keeps beside its conversation.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) epoch: Epoch,
    pub(super) standing: Standing,
    /// What the store has of the client's resume token; none where there is no token.
    pub(super) token: Option<TokenHash>,
    /// Requests that were named unanswered when the session was opened, if any were, and the latest round of each.
    #[expect(clippy::box_collection, reason = "mostly there is none, and an empty map takes six words")]
    pub(super) unanswered: Option<Box<HashMap<Box<str>, u32>>>,
    /// Those may have been executed, and no journal knows: the session that they were sent in is gone.
    pub(super) is_doubtful: bool,
    /// Answered calls that the journal still has, oldest first.
    unacknowledged: Vec<Arc<str>>,
    counters: Arc<metrics::Shard>,
    /// The ping that stands behind the first so many of them.
    mark: Option<(u32, u32)>,
    /// The tick at which the client is asked whether it has them.
    ask_at: Tick,
    /// The tick at which the store is asked to keep the session on.
    prolong_at: Tick,
    /// The store is being asked about the session already.
    pub(super) verifying: bool,
}

impl Opened {
    pub(super) fn new(epoch: Epoch, standing: Standing, token: Option<TokenHash>, shard: &Shard) -> Self {
        Self {
            epoch,
            standing,
            token,
            unanswered: None,
            is_doubtful: false,
            unacknowledged: Vec::new(),
            counters: Arc::clone(&shard.counters),
            mark: None,
            ask_at: Tick::NEVER,
            prolong_at: Self::next_prolongation(shard),
            verifying: false,
        }
    }

    fn next_prolongation(shard: &Shard) -> Tick {
        shard.now().after(shard.terms().config.store.bounds.attached_ttl_ms / 2)
    }

    pub(super) const fn is_resumable(&self) -> bool {
        matches!(self.standing, Standing::Journalled)
    }

    /// How many answers the client has not acknowledged.
    pub(super) const fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// A journalled call was answered.
    pub(super) fn answered(&mut self, request: Arc<str>, shard: &Shard) {
        let terms = shard.terms();
        let session = &terms.config.session;
        self.unacknowledged.push(request);
        self.counters.journal_unacknowledged.raise(1);
        if self.unacknowledged.len() >= session.max_unacknowledged {
            self.ask_at = Tick::START;
        } else if self.ask_at == Tick::NEVER {
            self.ask_at = shard.now().after(session.acknowledge_after_ms);
        }
    }

    /// The tick at which a clock of the session is due.
    pub(super) fn due(&self) -> Tick {
        let ask_at = if self.mark.is_some() { Tick::NEVER } else { self.ask_at };
        ask_at.min(self.prolong_at)
    }

    /// Whether the client is to be asked now, by a ping, how far it has read.
    pub(super) fn wants_ping(&self, now: Tick) -> bool {
        self.mark.is_none() && self.ask_at <= now
    }

    /// A ping of this number stands behind all answers so far.
    pub(super) fn pinged(&mut self, number: u32) {
        if !self.unacknowledged.is_empty() && self.mark.is_none() {
            self.mark = Some((number, u32::try_from(self.unacknowledged.len()).unwrap_or(u32::MAX)));
            self.ask_at = Tick::NEVER;
        }
    }

    /// The client has read up to the ping of this number: the answers that it has.
    pub(super) fn ponged(&mut self, number: u32, shard: &Shard) -> Drain<'_, Arc<str>> {
        let mark = self.mark.take_if(|(asked, _)| *asked <= number);
        let count = mark.map_or(0, |(_, count)| count as usize);
        self.counters.journal_unacknowledged.lower(count);
        if mark.is_some() && count < self.unacknowledged.len() {
            self.ask_at = shard.now().after(shard.terms().config.session.acknowledge_after_ms);
        }
        self.unacknowledged.drain(..count)
    }

    /// Whether the store is to be asked now to keep the session on.
    pub(super) fn wants_prolongation(&mut self, shard: &Shard) -> bool {
        let wants = self.prolong_at <= shard.now();
        if wants {
            self.prolong_at = Self::next_prolongation(shard);
        }
        wants
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.counters.journal_unacknowledged.lower(self.unacknowledged.len());
    }
}
