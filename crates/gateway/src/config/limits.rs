//! Settings of how fast clients may ask.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

settings! {
    /// How many requests and notifications may come, at this pod if nothing else is said. Each has to be within all rates.
    Limits {
        /// On one connection.
        connection: Rate = Rate::default(),
        /// From one agent of a tenant, on all its connections.
        user: Rate = Rate::default(),
        /// From one address, or of IPv6 64 bits of one.
        address: Rate = Rate::default(),
        /// From one tenant.
        tenant: Rate = Rate::default(),
        /// From all together.
        gateway: Rate = Rate::default(),
        /// For one method, from all together; by its name.
        methods: BTreeMap<String, Rate> = BTreeMap::new(),
        /// Whether the rates of users and tenants hold over all pods that share a Redis.
        shared: bool = true,
        /// Refusals in ten seconds after which the connection is closed with 4429.
        flood: u32 = 1_000,
    }
}

impl Limits {
    /// Whether there is a rate that may hold over all pods, and is to.
    pub(crate) const fn are_shared(&self) -> bool {
        self.shared && (self.user.per_minute > 0 || self.tenant.per_minute > 0)
    }
}

/// A rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// So many in a minute, evenly; 0 for no limit.
    pub per_minute: u32,
    /// So many at once; 0 for what comes in a second.
    pub burst: u32,
}
