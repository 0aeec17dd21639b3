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
    user: Each,
    address: Each,
    tenant: Each,
    gateway: Option<Share>,
    methods: HashMap<Box<str>, Share>,
    /// Where rates of users and tenants may be settled with all pods.
    ledger: Option<Arc<Ledger>>,
    /// Whether they are.
    is_shared: bool,
}

/// The rate of each one of a kind, and what each has taken: at this pod, and where it counts over all pods.
#[derive(Clone, Debug)]
struct Each {
    rate: Option<Rate>,
    buckets: Arc<Buckets>,
    accounts: Arc<Buckets<Account>>,
}

impl Each {
    fn new(rate: Option<Rate>) -> Self {
        Self { rate, buckets: Arc::default(), accounts: Arc::default() }
    }

    /// What was taken at another rate says nothing of this one.
    fn renewed(&self, rate: Option<Rate>) -> Self {
        if self.rate == rate { self.clone() } else { Self::new(rate) }
    }
}

impl Rates {
    pub(super) fn new(settings: &config::Limits, ledger: Option<Arc<Ledger>>) -> Self {
        let none = Self {
            connection: None,
            user: Each::new(None),
            address: Each::new(None),
            tenant: Each::new(None),
            gateway: None,
            methods: HashMap::default(),
            ledger,
            is_shared: false,
        };
        none.renewed(settings)
    }

    /// Those of other settings. What was taken of a rate that stays the same stays taken.
    pub(super) fn renewed(&self, settings: &config::Limits) -> Self {
        let share = |before: Option<&Share>, limit, rate| {
            let same = before.filter(|before| before.rate == rate).cloned();
            same.unwrap_or_else(|| Share { limit, rate, counted: Counted::Here(Arc::default()) })
        };
        let methods = settings.methods.iter().filter_map(|(name, rate)| {
            let before = self.methods.get(name.as_str());
            Some((name.as_str().into(), share(before, Limit::Method, rate_of(*rate)?)))
        });
        let is_shared = settings.are_shared() && self.ledger.is_some();
        Self {
            connection: rate_of(settings.connection),
            user: self.user.renewed(rate_of(settings.user)),
            address: self.address.renewed(rate_of(settings.address)),
            tenant: self.tenant.renewed(rate_of(settings.tenant)),
            gateway: rate_of(settings.gateway).map(|rate| share(self.gateway.as_ref(), Limit::Gateway, rate)),
            methods: methods.collect(),
            ledger: self.ledger.clone(),
            is_shared,
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
        let share = |limit, each: &Each, key: &dyn Fn() -> Key| {
            let rate = each.rate?;
            Some(Share { limit, rate, counted: self.counted(each, key(), rate, now) })
        };
        let connection = self.connection.map(|rate| {
            let counted = Counted::Here(connection());
            Share { limit: Limit::Connection, rate, counted }
        });
        let shares: Box<[Share]> = [
            connection,
            share(Limit::User, &self.user, &|| Key::user(identity)),
            share(Limit::Address, &self.address, &|| Key::address(address)),
            share(Limit::Tenant, &self.tenant, &|| Key::tenant(identity)),
            self.gateway.clone(),
        ]
        .into_iter()
        .flatten()
        .collect();
        let is_limited = !shares.is_empty() || !self.methods.is_empty();
        is_limited.then(|| Box::new(Allowance::new(shares)))
    }

    /// They hold from now on.
    pub(super) fn begin(&self) {
        if let Some(ledger) = &self.ledger {
            ledger.use_it(self.is_shared);
        }
    }

    /// What this connection has taken of the rate of connections, if that is still the same.
    pub(super) fn bucket_of(&self, allowance: &Allowance) -> Option<Arc<Bucket>> {
        allowance.bucket(Limit::Connection, self.connection?)
    }

    fn counted(&self, each: &Each, key: Key, rate: Rate, now: u64) -> Counted {
        match (&self.ledger, &key) {
            (Some(ledger), Key::User(..) | Key::Tenant(_)) if self.is_shared => {
                let make = |key: &Key| Account::new(key.name(), rate, ledger);
                Counted::Everywhere(each.accounts.of_or(key, now, make))
            }
            _ => Counted::Here(each.buckets.of(key, now)),
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
