//! What one client may take of the pod: how many connections, and how fast. All shards share it, and look into its tables
//! when a connection opens or ends. How fast a user or a tenant asks may be told to the other pods.

mod account;
mod allowance;
mod bucket;
mod buckets;
mod crowd;
mod key;
mod ledger;
mod rates;
mod rush;

pub(crate) use account::Account;
pub(crate) use allowance::{Allowance, Over};
pub(crate) use bucket::Bucket;
pub(crate) use ledger::{Due, Ledger};
pub(crate) use rush::Pace;

use crate::config::Config;
use auth::Identity;
use crowd::{Crowd, Seat};
use key::Key;
use rates::Rates;
use rush::Rush;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

/// The limits of a pod.
#[derive(Debug)]
pub(crate) struct Limits {
    started: Instant,
    crowd: Arc<Crowd>,
    /// Connections of an address and of a user; 0 is no limit.
    per_address: u32,
    per_user: u32,
    /// Connections of all together.
    connections: usize,
    rush: Option<Arc<Rush>>,
    rates: Rates,
    flood: u32,
}

/// Who has as many connections as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowded {
    Address,
    User,
}

impl Limits {
    /// Those of a pod that begins. Where there is a ledger, rates of users and tenants may hold over all pods, which settle
    /// by it.
    pub(crate) fn new(config: &Config, ledger: Option<Arc<Ledger>>) -> Self {
        Self::of(config, Instant::now(), Arc::default(), Rates::new(&config.limits, ledger), None)
    }

    /// Those of other settings. What was counted for a limit that stays the same counts on.
    pub(crate) fn renewed(&self, config: &Config) -> Self {
        let (crowd, rates) = (Arc::clone(&self.crowd), self.rates.renewed(&config.limits));
        Self::of(config, self.started, crowd, rates, self.rush.as_ref())
    }

    fn of(
        config: &Config,
        started: Instant,
        crowd: Arc<Crowd>,
        rates: Rates,
        rush: Option<&Arc<Rush>>,
    ) -> Self {
        let websocket = &config.websocket;
        let paces = (websocket.max_handshakes_per_ip, websocket.handshake_burst_per_ip);
        let same = rush.filter(|rush| rush.is_of(paces)).cloned();
        Self {
            started,
            crowd,
            per_address: websocket.max_connections_per_ip,
            per_user: websocket.max_connections_per_user,
            connections: websocket.max_connections,
            rush: same.or_else(|| (paces.0 > 0).then(|| Arc::new(Rush::new(paces)))),
            rates,
            flood: config.limits.flood,
        }
    }

    /// They hold from now on.
    pub(crate) fn begin(&self) {
        self.rates.begin();
    }

    /// How many connections the pod takes.
    pub(crate) const fn connections(&self) -> usize {
        self.connections
    }

    /// One more connection comes from this address.
    pub(crate) fn knock(&self, address: IpAddr) -> Pace {
        self.rush.as_ref().map_or(Pace::Calm, |rush| rush.knock(address, self.now()))
    }

    /// Counts a connection, or a request that runs, for whoever is told; `None` where nothing is limited.
    ///
    /// # Errors
    /// Who has as many as it may.
    pub(crate) fn seats(
        &self,
        address: Option<IpAddr>,
        holder: Option<&Identity>,
    ) -> Result<Option<Box<Seats>>, Crowded> {
        let seat = |key: Option<Key>, most, crowded| {
            let key = key.filter(|_| most > 0);
            key.map(|key| self.crowd.seat(key, most).ok_or(crowded)).transpose()
        };
        let address = seat(address.map(Key::address), self.per_address, Crowded::Address)?;
        let user = seat(holder.map(Key::user), self.per_user, Crowded::User)?;
        let is_counted = address.is_some() || user.is_some();
        Ok(is_counted.then(|| Box::new(Seats { _address: address, _user: user })))
    }

    /// How fast this holder may ask on a connection, whose bucket `connection` makes; `None` where nothing is limited.
    pub(crate) fn allowance(
        &self,
        identity: &Identity,
        address: IpAddr,
        connection: impl FnOnce() -> Arc<Bucket>,
    ) -> Option<Box<Allowance>> {
        self.rates.allowance(identity, address, connection, self.now())
    }

    /// The same for a connection that is there already, and may have been under other limits. What was counted on it for a
    /// rate that stays the same counts on, and so do its refusals.
    pub(crate) fn renewed_allowance(
        &self,
        before: Option<Box<Allowance>>,
        identity: &Identity,
        address: IpAddr,
    ) -> Option<Box<Allowance>> {
        let bucket = before.as_ref().and_then(|before| self.rates.bucket_of(before)).unwrap_or_default();
        let mut allowance = self.allowance(identity, address, || bucket)?;
        if let Some(before) = before {
            allowance.go_on_from(&before);
        }
        Some(allowance)
    }

    /// Takes one request for this method.
    ///
    /// # Errors
    /// The first limit that it is over.
    pub(crate) fn take(&self, allowance: &Allowance, method: &str) -> Result<(), Over> {
        allowance.take(self.rates.method(method), self.now())
    }

    /// Whether one more refusal is one too many.
    pub(crate) fn is_flooding(&self, allowance: &mut Allowance) -> bool {
        allowance.refused(self.now()) > self.flood
    }

    /// Nanoseconds since the pod began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// What a connection counts as, as long as it is there.
#[derive(Debug)]
pub(crate) struct Seats {
    _address: Option<Seat>,
    _user: Option<Seat>,
}
