//! What all shards of the pod share: how many connections are open, whether new ones are taken, and what is revoked.

use crate::audit::Audit;
use crate::config::Config;
use crate::limits::{Crowded, Limits, Seats};
use crate::revoked::Revoked;
use arc_swap::ArcSwap;
use auth::Identity;
use metrics::Drain;
use session_store::PodId;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The pod's counts and instruments.
#[derive(Debug)]
pub(crate) struct Pod {
    /// Its name among all pods, for as long as the process lives.
    pub(crate) id: PodId,
    pub(crate) metrics: Arc<metrics::Pod>,
    /// What one client may take of it.
    pub(crate) limits: Limits,
    /// Where decisions are told.
    pub(crate) audit: Audit,
    connections: AtomicUsize,
    most: usize,
    admitted: AtomicU64,
    draining: AtomicBool,
    /// What nobody may hold any more.
    pub(crate) revoked: ArcSwap<Revoked>,
    /// Over how long the clients of a drain spread their return, in milliseconds.
    spread_ms: AtomicU64,
    told: AtomicU64,
    /// Shards that have told all their clients to go.
    done: AtomicUsize,
}

impl Pod {
    pub(crate) fn new(config: &Config, shards: usize) -> Self {
        Self {
            id: PodId::fresh(),
            metrics: Arc::new(metrics::Pod::new(config.metrics.bounds(shards))),
            limits: Limits::new(config),
            audit: Audit::default(),
            connections: AtomicUsize::new(0),
            most: config.websocket.max_connections,
            admitted: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            revoked: ArcSwap::default(),
            spread_ms: AtomicU64::new(0),
            told: AtomicU64::new(0),
            done: AtomicUsize::new(0),
        }
    }

    /// Takes a place for one more connection, which counts for this address and this holder if they are told.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn admit(
        self: &Arc<Self>,
        address: Option<IpAddr>,
        holder: Option<&Identity>,
    ) -> Result<Place, NoPlace> {
        if self.is_draining() {
            return Err(NoPlace::Draining);
        }
        let seats = self.limits.seats(address, holder).map_err(NoPlace::Crowded)?;
        self.connections
            .fetch_update(Relaxed, Relaxed, |open| (open < self.most).then_some(open + 1))
            .map_err(|_| NoPlace::Pod)?;
        Ok(Place { id: self.admitted.fetch_add(1, Relaxed) + 1, pod: Arc::clone(self), _seats: seats })
    }

    /// Open connections.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// From now on the pod takes no new connections, and tells `rate` of them a second to go.
    pub(crate) fn begin_drain(&self, rate: u32) {
        let spread = self.connections() as u64 * 1_000 / u64::from(rate.max(1));
        self.spread_ms.store(spread.min(30_000), Relaxed);
        self.draining.store(true, Relaxed);
        self.metrics.ready(false);
        self.metrics.drain(Drain::Delay);
    }

    /// A shard has told all its clients to go.
    pub(crate) fn all_told(&self) {
        if self.done.fetch_add(1, Relaxed) + 1 == self.metrics.shards().len() {
            self.metrics.drain(Drain::Closing);
        }
    }
}

impl Pod {
    /// After how many milliseconds the next client that is told to go should come back: they are spread
    /// evenly, so that other pods do not meet them all at once.
    pub(crate) fn reconnect_delay_ms(&self) -> u64 {
        // Steps of the golden ratio spread any number of clients evenly.
        let turn = self.told.fetch_add(1, Relaxed).wrapping_mul(618_033_989) % 1_000_000_000;
        self.spread_ms.load(Relaxed) * turn / 1_000_000_000
    }
}

/// The right to one open connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    /// Tells the connection from every other one of the process.
    pub(crate) id: u64,
    pod: Arc<Pod>,
    _seats: Option<Box<Seats>>,
}

/// Why somebody gets no place, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    Draining,
    /// As many connections as the pod takes are open.
    Pod,
    Crowded(Crowded),
    /// Connections come too fast from its address.
    Hasty,
}

impl NoPlace {
    /// The limit that the client is over; none where it is not of its own doing.
    pub(crate) const fn judged(self) -> Option<&'static str> {
        match self {
            Self::Draining | Self::Pod => None,
            Self::Crowded(Crowded::Address) => Some("max_connections_per_ip"),
            Self::Crowded(Crowded::User) => Some("max_connections_per_user"),
            Self::Hasty => Some("max_handshakes_per_ip"),
        }
    }
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Draining => "the pod drains",
            Self::Pod => "max_connections is reached",
            Self::Crowded(Crowded::Address) => "this address has max_connections_per_ip connections open",
            Self::Crowded(Crowded::User) => "this user has max_connections_per_user connections open",
            Self::Hasty => "this address has opened more than max_handshakes_per_ip connections in a second",
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pod.connections.fetch_sub(1, Relaxed);
    }
}
