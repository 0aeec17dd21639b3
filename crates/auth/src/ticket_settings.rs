//! What an operator can choose about tickets.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Tickets: what a client that can set no header puts into the URL of one upgrade. Embedded in the gateway's configuration
/// under `auth.tickets`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TicketSettings {
    /// Whether they are given out and taken. Default false.
    pub enabled: bool,
    /// How long one is good, in seconds. Default 30, at most 600.
    pub ttl_s: u64,
}

impl Default for TicketSettings {
    fn default() -> Self {
        Self { enabled: false, ttl_s: 30 }
    }
}

impl TicketSettings {
    pub(crate) fn check(&self) -> Result<(), Error> {
        if (1..=600).contains(&self.ttl_s) {
            return Ok(());
        }
        Err(Error::Setting { setting: "tickets.ttl_s", problem: "must be 1 to 600 (ten minutes)" })
    }
}
