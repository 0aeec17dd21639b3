//! Plain counters of one shard's router, for whoever exports metrics.

/// What happened since the router was made, and what is there now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls started.
    pub started: u64,
    /// Calls sent a second time after the replica that had them died.
    pub retried: u64,
    /// Calls moved to another replica before anything of them was sent.
    pub rerouted: u64,
    /// Calls that met their deadline.
    pub expired: u64,
    /// Events that named no call in flight on their connection: late, repeated or made up.
    pub stray_events: u64,
    /// Connections that were lost.
    pub links_lost: u64,
    /// Times that a replica was ejected.
    pub ejections: u64,
    /// Replicas with a connection that takes calls, now.
    pub links_up: usize,
    /// Replicas with a connection or on the way to one, now.
    pub links: usize,
}
