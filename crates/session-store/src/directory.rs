//! The list of live replicas, shared by every reader. It does not know whether a replica answers:
//! whoever puts one in has asked it, and takes it out when it is gone.
use std::future::Future;
use std::sync::Arc;

use protocol::Replica;
use tokio::sync::watch;

use crate::Error;

/// Every live replica at one moment, in the order in which they became known.
pub type Snapshot = Arc<[Arc<Replica>]>;

/// Where the live replicas of every backend are listed.
///
/// Contract: changes appear in the order made; a snapshot is never half of a change; an instance
/// stands in it at most once; a change that changes nothing wakes nobody.
pub trait Directory: Send + Sync + 'static {
    /// Lists a replica, or replaces the one of the same instance in its place.
    ///
    /// # Errors
    /// [`Error::Full`] for a new instance over the limit, [`Error::Instance`] for an instance that is
    /// empty or longer than 128 bytes. Nothing was changed then. After any other error it is listed once the store
    /// is in reach again, unless it is removed before.
    ///
    /// # Cancel safety
    /// A future that was dropped has changed the directory, or is going to, or has left it as it was.
    fn put(&self, replica: Arc<Replica>) -> impl Future<Output = Result<(), Error>> + Send;

    /// Takes a replica off the list that was put here, unless it was replaced since: who lost a registration
    /// takes no newer one of the same instance off, not even one that says the same. One that is not listed is no
    /// error.
    ///
    /// # Errors
    /// None from a store that is in reach; after one it is taken off once the store is in reach again.
    ///
    /// # Cancel safety
    /// As in [`Directory::put`].
    fn remove(&self, replica: &Arc<Replica>) -> impl Future<Output = Result<(), Error>> + Send;

    /// The list now and whenever it changes. A slow reader misses states in between, never the last one.
    fn watch(&self) -> watch::Receiver<Snapshot>;
}
