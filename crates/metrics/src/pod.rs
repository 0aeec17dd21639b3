//! What the pod as a whole shows: the shards' counters, and what the control plane counts and sets.

use crate::catalogue::Bounds;
use crate::clashes::Clashes;
use crate::process::Process;
use crate::replicas::Replicas;
use crate::{Gauge, Names, Operations, ReplicaState, Shard, Tally};
use std::sync::Arc;

/// Why something of a backend's was refused at the gRPC port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum RegistryRefusal {
    /// No handshake of TLS.
    Tls,
    /// No proof of who it is, or none that is known.
    Proof,
    /// It describes itself by the name of another.
    Name,
    /// A tool or method that it may not register.
    Handler,
    /// An event that it may not publish.
    Event,
}

impl RegistryRefusal {
    pub(crate) const NAMES: [&'static str; 5] = ["tls", "proof", "name", "handler", "event"];
}

/// What became of reading the configuration again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Reload {
    /// It is in force.
    Applied,
    /// It can't be used: the one before it stays in force.
    Refused,
}

impl Reload {
    pub(crate) const NAMES: [&'static str; 2] = ["applied", "refused"];
}

/// How far the pod's end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Drain {
    /// It serves.
    Serving,
    /// Unready, it waits for load balancers to see that.
    Delay,
    /// Clients are told to go.
    Migrating,
    /// All were told, and the rest is waited for.
    Closing,
    /// It is over.
    Over,
}

impl Drain {
    /// All, in their order.
    pub const ALL: [Self; 5] = [Self::Serving, Self::Delay, Self::Migrating, Self::Closing, Self::Over];

    /// As operators are told it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Delay => "delay",
            Self::Migrating => "migrating",
            Self::Closing => "closing",
            Self::Over => "over",
        }
    }
}

/// The instruments of one pod.
#[derive(Debug)]
pub struct Pod {
    shards: Vec<Arc<Shard>>,
    /// Tools that have a label of their own.
    pub tool_names: Names,
    /// Backends that have a label of their own.
    pub backend_names: Names,
    /// What the control plane asks the store.
    pub operations: Arc<Operations>,
    /// Spans of sampled traces that a collector has taken.
    pub spans_exported: Tally,
    /// Spans of sampled traces that no collector took.
    pub spans_dropped: Tally,
    /// When the configuration in force was read, in Unix seconds.
    pub config_read: Gauge,
    /// Requests at the operators' port that were refused.
    pub admin_refusals: Tally,
    pub(crate) process: Process,
    pub(crate) tools: Gauge,
    pub(crate) ready: Gauge,
    pub(crate) store_up: Gauge,
    pub(crate) certificate_expiry: Gauge,
    pub(crate) limits_shared: Gauge,
    pub(crate) registry_certificate_expiry: Gauge,
    pub(crate) audit_lines_lost: Tally,
    pub(crate) registry_refusals: [Tally; RegistryRefusal::NAMES.len()],
    pub(crate) config_reloads: [Tally; Reload::NAMES.len()],
    pub(crate) drain_state: Gauge,
    replicas: Replicas,
    clashes: Clashes,
}

impl Pod {
    /// A pod of so many shards, with labels for so many names.
    pub fn new(bounds: Bounds) -> Self {
        let (tool_names, backend_names) = (Names::new(bounds.tools), Names::new(bounds.backends));
        let shard = |_| Arc::new(Shard::new(&tool_names, &backend_names));
        Self {
            shards: (0..bounds.shards).map(shard).collect(),
            tool_names,
            backend_names,
            operations: Arc::default(),
            spans_exported: Tally::default(),
            spans_dropped: Tally::default(),
            config_read: Gauge::default(),
            admin_refusals: Tally::default(),
            process: Process::default(),
            tools: Gauge::default(),
            ready: Gauge::default(),
            store_up: Gauge::default(),
            certificate_expiry: Gauge::default(),
            limits_shared: Gauge::default(),
            registry_certificate_expiry: Gauge::default(),
            audit_lines_lost: Tally::default(),
            registry_refusals: Default::default(),
            config_reloads: Default::default(),
            drain_state: Gauge::default(),
            replicas: Replicas::default(),
            clashes: Clashes::default(),
        }
    }

    /// The counters of each shard.
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// How many tools backends offer.
    pub fn tools(&self, tools: usize) {
        self.tools.set(tools as u64);
    }

    /// Of which backends tools are left out, each with the owner of their names, by the places of both names.
    pub fn tools_left_out(&self, clashes: impl IntoIterator<Item = [usize; 2]>) {
        self.clashes.set(clashes);
    }

    /// How each replica stands, by the place of its backend's name.
    pub fn replicas(&self, replicas: impl IntoIterator<Item = (usize, ReplicaState)>) {
        self.replicas.set(replicas);
    }

    /// Whether the pod takes new connections.
    pub fn ready(&self, ready: bool) {
        self.ready.set(u64::from(ready));
    }

    /// How far the pod's end is. It never goes back.
    pub fn drain(&self, state: Drain) {
        self.drain_state.reach(state as u64);
    }

    /// Whether the store is in reach.
    pub fn store(&self, is_up: bool) {
        self.store_up.set(u64::from(is_up));
    }

    /// Whether rates of users and tenants hold over all pods.
    pub fn limits_shared(&self, shared: bool) {
        self.limits_shared.set(u64::from(shared));
    }

    /// When the first of the certificates expires, in Unix seconds.
    pub fn certificate_expiry(&self, at: u64) {
        self.certificate_expiry.set(at);
    }

    /// When the certificate of the gRPC port expires, in Unix seconds.
    pub fn registry_certificate_expiry(&self, at: u64) {
        self.registry_certificate_expiry.set(at);
    }

    /// So many lines of the audit log could not be written.
    pub fn audit_lines_lost(&self, count: u64) {
        self.audit_lines_lost.add(count);
    }

    /// Something of a backend's was refused.
    pub fn registry_refused(&self, reason: RegistryRefusal) {
        self.registry_refusals[reason as usize].increment();
    }

    /// The configuration was read again.
    pub fn config_reloaded(&self, outcome: Reload) {
        self.config_reloads[outcome as usize].increment();
    }

    pub(crate) fn sum(&self, of: impl Fn(&Shard) -> u64) -> u64 {
        self.shards.iter().map(|shard| of(shard)).sum()
    }

    /// How each backend's replicas stand.
    pub(crate) fn left_out(&self) -> Vec<([Arc<str>; 2], u64)> {
        self.clashes.of(&self.backend_names)
    }

    pub(crate) fn standing(&self) -> Vec<(Arc<str>, [u64; ReplicaState::NAMES.len()])> {
        self.replicas.of(&self.backend_names)
    }

    /// What the store was asked, by each thread that asks it.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Operations> {
        self.shards.iter().map(|shard| &*shard.operations).chain([&*self.operations])
    }

    /// Connections of either kind that are open while the pod drains.
    pub(crate) fn drain_remaining(&self) -> u64 {
        let open = |shard: &Shard| {
            let opened = shard.connections_opened.value() + shard.http_opened.value();
            opened.saturating_sub(shard.connections_closed.value() + shard.http_closed.value())
        };
        if self.drain_state.value() == 0 { 0 } else { self.sum(open) }
    }
}
