//! What is revoked before its time, as all pods share it. It does not know what the names mean, nor whom to send away.
use std::future::Future;
use std::time::Duration;

use crate::Error;

/// Something that counts no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// What it is, in words of whoever revoked it.
    pub subject: String,
    /// How long from now on.
    pub ttl: Duration,
}

/// Everything that is revoked at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Another one after each change but the passing of time.
    pub version: String,
    /// In no order.
    pub revocations: Vec<Revocation>,
}

/// Where pods say what is revoked.
///
/// Contract: a revocation stands until its time is over, unless the store loses what it has; nobody takes it back.
///
/// # Cancel safety
/// A dropped future has either taken effect or not.
pub trait Revocations: Send + Sync + 'static {
    /// Enters a revocation; one that is there already lasts at least as long from now on.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a subject over 1,024 bytes, [`Error::Full`] over
    /// [`Bounds::revocations`](crate::Bounds::revocations). Nothing was changed then.
    fn revoke(&self, revocation: &Revocation) -> impl Future<Output = Result<(), Error>> + Send;

    /// Everything that is revoked; none if that is still the list of this version.
    ///
    /// # Errors
    /// None but the store's own.
    fn revoked(&self, known: Option<&str>) -> impl Future<Output = Result<Option<Revoked>, Error>> + Send;

    /// Waits until the list may have changed since this was last waited for, at whichever pod. For one reader a pod.
    ///
    /// # Cancel safety
    /// A dropped future misses nothing.
    fn revocations_changed(&self) -> impl Future<Output = ()> + Send;
}

pub(crate) fn check(revocation: &Revocation) -> Result<(), Error> {
    crate::bounds::size("what is revoked", 1_024, revocation.subject.len())
}
