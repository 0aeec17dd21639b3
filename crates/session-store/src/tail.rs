//! Where the news of tenants' logs arrive, for a whole process. It promises nothing about the past: for that
//! there is the log.
use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::mailbox::{Hub, Letter, Mailbox, Weighty, lock};
use crate::{Bounds, Event, LogEpoch};

/// What a tail says about a tenant that it watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An event was appended. If it does not follow on the last one that is known, read the log.
    Event {
        /// Whose log.
        tenant: Arc<str>,
        /// Which life of the log.
        epoch: LogEpoch,
        /// The event.
        event: Event,
    },
    /// Events may have passed unseen: read the log from where you stand. From here on none is missed. It comes
    /// first for each tenant, and again after a loss of the store or when too much waited.
    Check {
        /// Whose log.
        tenant: Arc<str>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) epoch: LogEpoch,
    pub(crate) event: Event,
}

impl Weighty for News {
    fn weight(&self) -> usize {
        self.event.data.len() + self.event.name.len() + 64
    }
}

/// A subscription to the logs of chosen tenants, for one reader. Dropped, it watches none.
#[derive(Debug)]
pub struct Tail {
    hub: Arc<Hub<News>>,
    mailbox: Arc<Mailbox<News>>,
    watched: Mutex<HashSet<Box<str>>>,
}

impl Tail {
    pub(crate) fn new(hub: Arc<Hub<News>>, bounds: &Bounds) -> Self {
        Self { hub, mailbox: Mailbox::new(bounds), watched: Mutex::default() }
    }

    /// Watches a tenant from now on; one that is watched already is no error. [`Notice::Check`] follows once its
    /// events arrive.
    pub fn watch(&self, tenant: &str) {
        if lock(&self.watched).insert(Box::from(tenant)) {
            self.hub.join(tenant, &self.mailbox);
        }
    }

    /// Watches a tenant no longer, and drops what waits about it.
    pub fn unwatch(&self, tenant: &str) {
        if lock(&self.watched).remove(tenant) {
            self.hub.leave(tenant, &self.mailbox);
        }
    }

    /// The next notice, in the order of arrival.
    ///
    /// # Cancel safety
    /// A dropped future has taken no notice.
    pub async fn next(&self) -> Notice {
        match self.mailbox.next().await {
            (tenant, Letter::Message(News { epoch, event })) => Notice::Event { tenant, epoch, event },
            (tenant, Letter::Missed) => Notice::Check { tenant },
        }
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        for tenant in lock(&self.watched).drain() {
            self.hub.leave(&tenant, &self.mailbox);
        }
    }
}
