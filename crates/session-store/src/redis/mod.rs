//! Everything in Redis, shared by all pods. Only this room knows that it is Redis.
mod dial;
mod directory;
mod event_log;
mod failure;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod journal;
mod keys;
mod leases;
mod link;
mod quotas;
mod reply;
mod revocations;
mod scripts;
mod sessions;
mod subscriptions;
mod tickets;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};

use self::dial::Dial;
use self::keys::Keys;
use self::link::{Link, Request};
use self::subscriptions::Subscriptions;
use crate::mailbox::Hub;
use crate::tail::News;
use crate::tasks::Tasks;
use crate::{Availability, Bounds, Channel, Error, Inbox, PodId, Settings, bounds};

/// A store in Redis, as one pod uses it; clones share its connections, from any thread.
///
/// The user needs the commands `EVAL`, `EVALSHA`, `INFO`, `ROLE`, `PING`, `TIME`, those of strings, hashes, sorted
/// sets, streams and expiry, and (sharded) publish and subscribe.
#[derive(Clone)]
pub struct RedisStore {
    inner: Arc<Inner>,
    _tasks: Arc<Tasks>,
}

struct Inner {
    pod: PodId,
    bounds: Bounds,
    keys: Arc<Keys>,
    link: Link,
    tails: Arc<Hub<News>>,
    inboxes: Arc<Hub<Bytes>>,
    directory: directory::Copy,
    /// Woken when another pod may have revoked something.
    revoked: Arc<Notify>,
    directory_lease_ms: u64,
}

impl Inner {
    fn publish_command(&self) -> &'static str {
        if self.link.is_cluster() { "SPUBLISH" } else { "PUBLISH" }
    }
}

impl RedisStore {
    /// Connects, and keeps connecting for as long as there is a clone; waits for the first attempt, and for the list
    /// of replicas if it was one that worked. A Redis that
    /// is not there is no error: see [`RedisStore::availability`]. What keeps the connections is spawned on the
    /// present runtime, which has to outlive the store.
    ///
    /// # Errors
    /// [`Error::Settings`] where the settings can't be right.
    ///
    /// # Cancel safety
    /// A dropped future leaves nothing behind.
    pub async fn connect(settings: &Settings, bounds: Bounds, pod: PodId) -> Result<Self, Error> {
        let dial = Arc::new(Dial::new(settings)?);
        let keys = Arc::new(Keys(settings.key_prefix.clone()));
        let changes = Arc::new(Notify::new());
        let inner = Arc::new(Inner {
            pod,
            bounds,
            keys: Arc::clone(&keys),
            link: Link::new(Arc::clone(&dial), settings),
            tails: Arc::new(Hub::remote(Arc::clone(&changes))),
            inboxes: Arc::new(Hub::remote(Arc::clone(&changes))),
            directory: directory::Copy::new(),
            revoked: Arc::default(),
            directory_lease_ms: settings.directory_lease_ms.max(3),
        });
        let subscriptions = Subscriptions {
            dial,
            keys,
            tails: Arc::clone(&inner.tails),
            inboxes: Arc::clone(&inner.inboxes),
            changes,
            directory: Arc::clone(&inner.directory.changed),
            revoked: Arc::clone(&inner.revoked),
            command_timeout: Duration::from_millis(settings.command_timeout_ms),
            check_interval: Duration::from_millis(settings.check_interval_ms.max(1)),
        };
        let mut availability = inner.link.availability();
        let mut tasks = Tasks::default();
        let linked = Arc::clone(&inner);
        tasks.spawn(async move { linked.link.keep().await });
        tasks.spawn(async move { subscriptions.keep().await });
        let listed = Arc::clone(&inner);
        tasks.spawn(async move { listed.keep_directory().await });
        // It changes with the outcome of the first attempt.
        let _ = availability.changed().await;
        let is_up = availability.borrow().is_up();
        if is_up && let Err(error) = inner.beat().await {
            tracing::debug!(%error, "the directory could not be read yet");
        }
        Ok(Self { inner, _tasks: Arc::new(tasks) })
    }

    /// Whether Redis can be reached and takes writes, now and whenever that changes.
    pub fn availability(&self) -> watch::Receiver<Availability> {
        self.inner.link.availability()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("pod", &self.inner.pod).finish_non_exhaustive()
    }
}

impl Channel for RedisStore {
    async fn send(&self, pod: &PodId, message: &[u8]) -> Result<bool, Error> {
        bounds::size("a message between pods", self.inner.bounds.message_bytes, message.len())?;
        let channel = self.inner.keys.pod(pod.as_str());
        let request = Request::command(self.inner.publish_command()).arg(channel).arg(message);
        Ok(self.inner.link.run::<u64>(request).await? > 0)
    }

    fn inbox(&self, pod: &PodId) -> Inbox {
        Inbox::new(Arc::clone(&self.inner.inboxes), pod, &self.inner.bounds)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}
