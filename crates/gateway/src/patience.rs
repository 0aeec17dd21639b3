//! Waiting for a store that did not answer: a while that grows, and then until it is in reach.

use session_store::{Availability, Store};
use std::time::Duration;

/// From the first wait to the longest, doubled each time.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3));

/// How long one piece of work has waited so far.
#[derive(Debug)]
pub(crate) struct Patience(Duration);

impl Patience {
    pub(crate) const fn new() -> Self {
        Self(WAITS.0)
    }

    /// Waits until the store is to be asked again; false if it never can be. Cancel safe.
    pub(crate) async fn wait(&mut self, store: &Store) -> bool {
        // News of a store that is back may come before it takes commands again.
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(WAITS.1);
        store.availability().wait_for(Availability::is_up).await.is_ok()
    }
}
