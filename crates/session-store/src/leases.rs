//! Which pods are alive. A pod that does not renew in time is dead, whatever it believes of itself.
use std::future::Future;
use std::time::Duration;

use crate::{Error, PodId};

/// Where pods say that they live.
///
/// # Cancel safety
/// A dropped future has either taken effect or not.
pub trait Leases: Send + Sync + 'static {
    /// Enters a pod as alive for `ttl`, also one whose lease had run out: what others have taken over from it
    /// meanwhile stays theirs, since only a call's owner finishes it, and the rest is still its own.
    ///
    /// # Errors
    /// [`Error::Exists`] if the name is alive already.
    fn acquire(&self, pod: &PodId, ttl: Duration) -> impl Future<Output = Result<(), Error>> + Send;

    /// Prolongs a lease to `ttl` from now.
    ///
    /// # Errors
    /// [`Error::Unknown`] if it had run out: others may have taken over some of the pod's calls. The pod has to
    /// acquire its name again, and finds out what is not its own any more by
    /// [`Finish::NotOwner`](crate::Finish::NotOwner).
    fn renew(&self, pod: &PodId, ttl: Duration) -> impl Future<Output = Result<(), Error>> + Send;

    /// Ends a lease. One that is not there is no error.
    ///
    /// # Errors
    /// None but the store's own.
    fn release(&self, pod: &PodId) -> impl Future<Output = Result<(), Error>> + Send;

    /// Whether a pod lives.
    ///
    /// # Errors
    /// None but the store's own. A pod about which nothing could be learned is not dead.
    fn alive(&self, pod: &PodId) -> impl Future<Output = Result<bool, Error>> + Send;
}
