//! Everything in one process's memory, with the guarantees of every store. Nothing here outlives the process.
mod clock;
mod directory;
mod event_log;
mod journal;
mod leases;
mod quotas;
mod revocations;
mod sessions;
mod tickets;
mod timed;
mod turns;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use protocol::Replica;
use tokio::sync::watch;

use self::clock::Clock;
pub use self::directory::MemoryDirectory;
use self::event_log::Log;
use self::sessions::Session;
use self::timed::Timed;
use crate::mailbox::Hub;
use crate::tail::News;
use crate::{Availability, Bounds, Channel, Directory, Error, Inbox, PodId, SessionId, Snapshot, bounds};

/// A store in this process's memory; clones share it.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    bounds: Bounds,
    clock: Clock,
    sessions: Mutex<Timed<SessionId, Session>>,
    logs: Mutex<Timed<Arc<str>, Log>>,
    leases: Mutex<HashMap<PodId, tokio::time::Instant>>,
    revocations: Mutex<revocations::List>,
    /// Of each rate that is ahead when it no longer is.
    quotas: Mutex<Timed<String, tokio::time::Instant>>,
    tickets: Mutex<Timed<String, Vec<u8>>>,
    directory: MemoryDirectory,
    tails: Arc<Hub<News>>,
    inboxes: Arc<Hub<Bytes>>,
    availability: watch::Sender<Availability>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(bounds: Bounds) -> Self {
        let clock = Clock::start();
        let inner = Inner {
            clock,
            sessions: Mutex::new(Timed::new(bounds.sessions, clock)),
            logs: Mutex::new(Timed::new(bounds.logs, clock)),
            leases: Mutex::default(),
            revocations: Mutex::default(),
            quotas: Mutex::new(Timed::new(bounds.sessions, clock)),
            tickets: Mutex::new(Timed::new(bounds.sessions, clock)),
            directory: MemoryDirectory::with_limit(bounds.replicas),
            tails: Arc::new(Hub::local()),
            inboxes: Arc::new(Hub::local()),
            availability: watch::Sender::new(Availability::Up),
            bounds,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Always [`Availability::Up`].
    pub fn availability(&self) -> watch::Receiver<Availability> {
        self.inner.availability.subscribe()
    }
}

impl Directory for MemoryStore {
    async fn put(&self, replica: Arc<Replica>) -> Result<(), Error> {
        self.inner.directory.put(replica).await
    }

    async fn remove(&self, replica: &Arc<Replica>) -> Result<(), Error> {
        self.inner.directory.remove(replica).await
    }

    fn watch(&self) -> watch::Receiver<Snapshot> {
        self.inner.directory.watch()
    }
}

impl Channel for MemoryStore {
    async fn send(&self, pod: &PodId, message: &[u8]) -> Result<bool, Error> {
        bounds::size("a message between pods", self.inner.bounds.message_bytes, message.len())?;
        Ok(self.inner.inboxes.deliver(pod.as_str(), &Bytes::copy_from_slice(message)) > 0)
    }

    fn inbox(&self, pod: &PodId) -> Inbox {
        Inbox::new(Arc::clone(&self.inner.inboxes), pod, &self.inner.bounds)
    }
}
