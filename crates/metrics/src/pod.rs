//! What the pod as a whole shows: the shards' counters, and gauges that the control plane sets.

use crate::{Shard, Spans};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
    const NAMES: [&'static str; 5] = ["tls", "proof", "name", "handler", "event"];
}

/// The instruments of one pod.
#[derive(Debug, Default)]
pub struct Pod {
    shards: Vec<Arc<Shard>>,
    replicas: AtomicU64,
    tools: AtomicU64,
    ready: AtomicU64,
    store_up: AtomicU64,
    certificate_expiry: AtomicU64,
    limits_shared: AtomicU64,
    registry_certificate_expiry: AtomicU64,
    audit_lines_lost: AtomicU64,
    registry_refusals: [AtomicU64; RegistryRefusal::NAMES.len()],
    spans: Arc<Spans>,
}

impl Pod {
    /// A pod of this many shards.
    pub fn new(shards: usize) -> Self {
        Self { shards: (0..shards).map(|_| Arc::default()).collect(), ..Self::default() }
    }

    /// The counters of each shard.
    pub fn shards(&self) -> &[Arc<Shard>] {
        &self.shards
    }

    /// What became of spans of traces.
    pub fn spans(&self) -> &Arc<Spans> {
        &self.spans
    }

    /// How many replicas of backends are known, and how many tools they offer.
    pub fn backends(&self, replicas: usize, tools: usize) {
        self.replicas.store(replicas as u64, Relaxed);
        self.tools.store(tools as u64, Relaxed);
    }

    /// Whether the pod takes new connections.
    pub fn ready(&self, ready: bool) {
        self.ready.store(u64::from(ready), Relaxed);
    }

    /// Whether the store is in reach.
    pub fn store(&self, is_up: bool) {
        self.store_up.store(u64::from(is_up), Relaxed);
    }

    /// Whether rates of users and tenants hold over all pods.
    pub fn limits_shared(&self, shared: bool) {
        self.limits_shared.store(u64::from(shared), Relaxed);
    }

    /// When the first of the certificates expires, in Unix seconds.
    pub fn certificate_expiry(&self, at: u64) {
        self.certificate_expiry.store(at, Relaxed);
    }

    /// When the certificate of the gRPC port expires, in Unix seconds.
    pub fn registry_certificate_expiry(&self, at: u64) {
        self.registry_certificate_expiry.store(at, Relaxed);
    }

    /// So many lines of the audit log could not be written.
    pub fn audit_lines_lost(&self, count: u64) {
        self.audit_lines_lost.fetch_add(count, Relaxed);
    }

    /// Something of a backend's was refused.
    pub fn registry_refused(&self, reason: RegistryRefusal) {
        self.registry_refusals[reason as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn registry_refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        RegistryRefusal::NAMES.into_iter().zip(self.registry_refusals.iter().map(|count| count.load(Relaxed)))
    }

    pub(crate) fn lost_audit_lines(&self) -> u64 {
        self.audit_lines_lost.load(Relaxed)
    }

    pub(crate) fn gauges(&self) -> [(&'static str, &'static str, u64); 7] {
        [
            ("backend_replicas", "Replicas of backends that are known", self.replicas.load(Relaxed)),
            ("backend_tools", "Tools that backends offer", self.tools.load(Relaxed)),
            ("gateway_ready", "1 while the pod takes new connections", self.ready.load(Relaxed)),
            ("store_up", "1 while the store is in reach", self.store_up.load(Relaxed)),
            (
                "limits_shared",
                "1 while rates of users and tenants hold over all pods",
                self.limits_shared.load(Relaxed),
            ),
            (
                "tls_certificate_expiry_seconds",
                "When the first certificate of the client port expires, in Unix seconds; 0 without TLS",
                self.certificate_expiry.load(Relaxed),
            ),
            (
                "registry_tls_certificate_expiry_seconds",
                "When the certificate of the gRPC port expires, in Unix seconds; 0 without TLS",
                self.registry_certificate_expiry.load(Relaxed),
            ),
        ]
    }
}
