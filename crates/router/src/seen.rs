//! How one shard sees one replica, for whoever looks.
use tokio::time::Instant;

use crate::judge::Standing;
use crate::link::{Link, State};

/// A replica as one shard sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which replica.
    pub instance: String,
    /// The connection to it.
    pub state: &'static str,
    /// Whether it was ejected for failures in a row, and gets calls only where there is no other.
    pub ejected: bool,
    /// Calls that it has from this shard.
    pub in_flight: usize,
}

impl Link {
    pub(crate) fn seen(&self, now: Instant) -> Seen {
        Seen {
            instance: self.replica.instance.clone(),
            state: match self.state.get() {
                State::Dialing => "dialing",
                State::Up => "up",
                State::Down => "down",
                State::Closed => "closed",
            },
            ejected: self.judge.borrow().standing(now) == Standing::Ejected,
            in_flight: self.in_flight.get(),
        }
    }
}
