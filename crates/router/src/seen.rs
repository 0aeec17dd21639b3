//! How one shard sees one replica, for whoever looks.
use std::sync::Arc;

use protocol::Replica;
use tokio::time::Instant;

use crate::Condition;
use crate::link::{Link, State};

/// A replica as one shard sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which replica.
    pub replica: Arc<Replica>,
    /// The connection to it.
    pub state: &'static str,
    /// How it stands.
    pub condition: Condition,
    /// Calls that it has from this shard.
    pub in_flight: usize,
}

impl Link {
    pub(crate) fn seen(&self, now: Instant) -> Seen {
        Seen {
            replica: Arc::clone(&self.replica),
            state: match self.state.get() {
                State::Dialing => "dialing",
                State::Up => "up",
                State::Down => "down",
                State::Closed => "closed",
            },
            condition: self.condition(now),
            in_flight: self.in_flight.get(),
        }
    }
}
