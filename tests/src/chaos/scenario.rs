//! What can be done to a fleet under load. The doing is `havoc`'s.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

use super::network::Network;

/// One kind of harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Every 5 seconds a gateway is killed and started again.
    Gateways,
    /// Redis is killed and started again: in the first half with what it had written, in the second with nothing.
    Redis,
    /// A gateway is cut off from Redis for longer than its lease, and comes back.
    Partition,
    /// The gateways are asked to end and started again, one after the other.
    Rolling,
}

impl Scenario {
    /// All, in the order in which they run.
    pub const ALL: [Self; 4] = [Self::Gateways, Self::Redis, Self::Partition, Self::Rolling];

    /// Whether this machine has what only it needs.
    ///
    /// # Errors
    /// It has not; holds what to run.
    pub fn check(self) -> Result<()> {
        if self == Self::Partition { Network::check() } else { Ok(()) }
    }

    /// Its part of the time that all share.
    pub fn share(self, all: Duration) -> Duration {
        match self {
            Self::Gateways | Self::Partition => all / 3,
            Self::Redis | Self::Rolling => all / 6,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gateways => "gateways",
            Self::Redis => "redis",
            Self::Partition => "partition",
            Self::Rolling => "rolling",
        })
    }
}
