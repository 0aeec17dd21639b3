//! Messages from pod to pod, in any encoding. A message may be lost, but not without a word.
use std::future::Future;

use crate::{Error, Inbox, PodId};

/// Where pods reach each other.
///
/// Contract: messages of one sender to one pod arrive in their order, each at most once. A pod that may have
/// missed some finds [`Mail::Missed`](crate::Mail::Missed) in its inbox, and has to look into the journal.
pub trait Channel: Send + Sync + 'static {
    /// Sends a message to the inboxes of a pod, and says whether there is one.
    ///
    /// # Errors
    /// [`Error::TooLarge`] over [`Bounds::message_bytes`](crate::Bounds::message_bytes).
    ///
    /// # Cancel safety
    /// A dropped future has either sent the message or not.
    fn send(&self, pod: &PodId, message: &[u8]) -> impl Future<Output = Result<bool, Error>> + Send;

    /// The messages to a pod from now on. It opens with [`Mail::Missed`](crate::Mail::Missed), once messages
    /// reach it.
    fn inbox(&self, pod: &PodId) -> Inbox;
}
