//! What was let through of rates that hold over all pods. It knows how far ahead of its even pace each is, and neither
//! whose it is nor how large the rate: pods settle afterwards what they have let through.
use std::future::Future;
use std::time::Duration;

use crate::{Error, bounds};

/// What a pod has let through of a rate since it last settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    /// In so long as much comes, evenly.
    pub cost: Duration,
    /// How long ago it began.
    pub age: Duration,
    /// No rate is further ahead than this, whatever was let through: so clocks that were set back lock nobody out for
    /// long.
    pub most: Duration,
}

/// Where pods settle what they have let through, by the generic cell rate algorithm.
///
/// Contract: of each rate there is one moment, when everything that was let through would have come, had it come evenly.
/// A moment that has passed is as good as none. It never refuses: who has let too much through hears so, and lets
/// nothing through until it has come.
///
/// # Cancel safety
/// A dropped future has either taken effect or not.
pub trait Quotas: Send + Sync + 'static {
    /// Enters what was let through of the rate of this name, and answers how far ahead of its even pace the rate is
    /// now, over all pods.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a name over 2,048 bytes, and in memory [`Error::Full`] while more rates than
    /// [`Bounds::sessions`](crate::Bounds::sessions) are ahead. Nothing was entered then.
    fn settle(&self, name: &str, spent: Spent) -> impl Future<Output = Result<Duration, Error>> + Send;
}

pub(crate) fn check(name: &str) -> Result<(), Error> {
    bounds::size("the name of a rate", 2_048, name.len())
}
