//! Where the messages to one pod arrive.
use std::sync::Arc;

use bytes::Bytes;

use crate::mailbox::{Hub, Letter, Mailbox, Weighty};
use crate::{Bounds, PodId};

/// What lies in an inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mail {
    /// A message.
    Message(Bytes),
    /// Messages may have been lost; from here on none is. It comes first, and again after a loss of the store or
    /// when too much waited.
    Missed,
}

impl Weighty for Bytes {
    fn weight(&self) -> usize {
        self.len() + 64
    }
}

/// The messages to one pod. Dropped, it receives none.
#[derive(Debug)]
pub struct Inbox {
    hub: Arc<Hub<Bytes>>,
    mailbox: Arc<Mailbox<Bytes>>,
    pod: PodId,
}

impl Inbox {
    pub(crate) fn new(hub: Arc<Hub<Bytes>>, pod: &PodId, bounds: &Bounds) -> Self {
        let mailbox = Mailbox::new(bounds);
        hub.join(pod.as_str(), &mailbox);
        Self { hub, mailbox, pod: pod.clone() }
    }

    /// The next mail, in the order of arrival.
    ///
    /// # Cancel safety
    /// A dropped future has taken none.
    pub async fn next(&self) -> Mail {
        match self.mailbox.next().await.1 {
            Letter::Message(message) => Mail::Message(message),
            Letter::Missed => Mail::Missed,
        }
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.hub.leave(self.pod.as_str(), &self.mailbox);
    }
}
