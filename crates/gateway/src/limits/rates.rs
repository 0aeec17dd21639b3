//! How many requests may come, by whom and for what. Where nothing is limited there is nothing to look at.

use super::account::Account;
use super::allowance::{Allowance, Counted, Share};
use super::bucket::{Bucket, Rate};
use super::buckets::Buckets;
use super::key::Key;
use super::ledger::Ledger;
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
    /// Those of users and tenants, where they hold over all pods.
    accounts: Option<(Arc<Ledger>, Buckets<Account>)>,
}

impl Rates {
    pub(super) fn new(settings: &config::Limits) -> Self {
        let share = |limit, rate| Share { limit, rate, counted: Counted::Here(Arc::default()) };
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
            accounts: None,
        }
    }

    /// From now on the rates of users and tenants hold over all pods, which settle by this ledger.
    pub(super) fn share(&mut self, ledger: Arc<Ledger>) {
        self.accounts = Some((ledger, Buckets::default()));
    }

    /// What this holder may ask on a connection with this bucket; `None` where nothing is limited.
    pub(super) fn allowance(
        &self,
        identity: &Identity,
        address: IpAddr,
        connection: impl FnOnce() -> Arc<Bucket>,
        now: u64,
    ) -> Option<Box<Allowance>> {
        let shared = |limit, rate: Option<Rate>, key: &dyn Fn() -> Key| {
            rate.map(|rate| Share { limit, rate, counted: self.counted(key(), rate, now) })
        };
        let connection = self.connection.map(|rate| {
            let counted = Counted::Here(connection());
            Share { limit: Limit::Connection, rate, counted }
        });
        let shares: Box<[Share]> = [
            connection,
            shared(Limit::User, self.user, &|| Key::user(identity)),
            shared(Limit::Address, self.address, &|| Key::address(address)),
            shared(Limit::Tenant, self.tenant, &|| Key::tenant(identity)),
            self.gateway.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_limited = !shares.is_empty() || !self.methods.is_empty();
        is_limited.then(|| Box::new(Allowance::new(shares)))
    }

    fn counted(&self, key: Key, rate: Rate, now: u64) -> Counted {
        match (&self.accounts, &key) {
            (Some((ledger, accounts)), Key::User(..) | Key::Tenant(_)) => {
                let make = |key: &Key| Account::new(key.name(), rate, ledger);
                Counted::Everywhere(accounts.of_or(key, now, make))
            }
            _ => Counted::Here(self.shared.of(key, now)),
        }
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
