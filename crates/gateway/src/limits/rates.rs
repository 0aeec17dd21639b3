//! How many requests may come, by whom and for what. Where nothing is limited there is nothing to look at.

use super::allowance::{Allowance, Share};
use super::bucket::{Bucket, Rate};
use super::buckets::Buckets;
use super::key::Key;
use crate::config;
use auth::Identity;
use foldhash::HashMap;
use metrics::Limit;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What is limited.
#[derive(Debug)]
pub(super) struct Rates {
    connection: Option<Rate>,
    user: Option<Rate>,
    address: Option<Rate>,
    tenant: Option<Rate>,
    gateway: Option<Share>,
    methods: HashMap<Box<str>, Share>,
    /// Those of users, addresses and tenants.
    shared: Buckets,
}

impl Rates {
    pub(super) fn new(settings: &config::Limits) -> Self {
        let share = |limit, rate| Share { limit, rate, bucket: Arc::default() };
        let methods = settings
            .methods
            .iter()
            .filter_map(|(name, rate)| Some((name.as_str().into(), share(Limit::Method, rate_of(*rate)?))));
        Self {
            connection: rate_of(settings.connection),
            user: rate_of(settings.user),
            address: rate_of(settings.address),
            tenant: rate_of(settings.tenant),
            gateway: rate_of(settings.gateway).map(|rate| share(Limit::Gateway, rate)),
            methods: methods.collect(),
            shared: Buckets::default(),
        }
    }

    /// What this holder may ask on a connection with this bucket; `None` where nothing is limited.
    pub(super) fn allowance(
        &self,
        identity: &Identity,
        address: IpAddr,
        connection: impl FnOnce() -> Arc<Bucket>,
        now: u64,
    ) -> Option<Box<Allowance>> {
        let shared = |limit, rate: Option<Rate>, key: fn(&Identity, IpAddr) -> Key| {
            rate.map(|rate| Share { limit, rate, bucket: self.shared.of(key(identity, address), now) })
        };
        let connection =
            self.connection.map(|rate| Share { limit: Limit::Connection, rate, bucket: connection() });
        let shares: Box<[Share]> = [
            connection,
            shared(Limit::User, self.user, |identity, _| Key::user(identity)),
            shared(Limit::Address, self.address, |_, address| Key::address(address)),
            shared(Limit::Tenant, self.tenant, |identity, _| Key::tenant(identity)),
            self.gateway.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_limited = !shares.is_empty() || !self.methods.is_empty();
        is_limited.then(|| Box::new(Allowance::new(shares)))
    }

    /// What limits this method, whoever asks.
    pub(super) fn method(&self, name: &str) -> Option<&Share> {
        self.methods.get(name)
    }
}

/// `None` where there is no limit. The default burst is what comes in a second.
fn rate_of(config::Rate { per_minute, burst }: config::Rate) -> Option<Rate> {
    let burst = if burst == 0 { per_minute.div_ceil(60) } else { burst };
    (per_minute > 0).then(|| Rate::new(per_minute, Duration::from_secs(60), burst))
}
