//! The store that the settings chose. It adds nothing to it.
use std::sync::Arc;
use std::time::Duration;

use protocol::Replica;
use tokio::sync::watch;

use crate::{
    Availability, Begin, Call, Channel, Directory, Entry, Epoch, Error, EventLog, Finish, Inbox, Journal,
    Leases, MemoryStore, NewEvent, NewSession, Page, PodId, Position, Quotas, ReadLimit, RedisStore, Resume,
    Resumed, Revocation, Revocations, Revoked, Seen, SessionId, Sessions, Snapshot, Spent, Tail, Takeover,
};

/// The same call on whichever it is.
macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Memory($store) => $call,
            Store::Redis($store) => $call,
        }
    };
}

/// Either store; clones share it.
#[derive(Clone, Debug)]
pub enum Store {
    /// Everything in this process.
    Memory(MemoryStore),
    /// Everything in Redis.
    Redis(RedisStore),
}

impl Store {
    /// Whether it can be reached, now and whenever that changes.
    pub fn availability(&self) -> watch::Receiver<Availability> {
        either!(self, store => store.availability())
    }
}

impl Sessions for Store {
    async fn create(&self, session: NewSession<'_>) -> Result<Epoch, Error> {
        either!(self, store => store.create(session).await)
    }

    async fn restore(&self, session: NewSession<'_>, epoch: Epoch) -> Result<(), Error> {
        either!(self, store => store.restore(session, epoch).await)
    }

    async fn resume(&self, resume: Resume<'_>) -> Result<Resumed, Error> {
        either!(self, store => store.resume(resume).await)
    }

    async fn prolong(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        either!(self, store => store.prolong(id, epoch).await)
    }

    async fn detach(&self, id: SessionId, epoch: Epoch, window: Duration) -> Result<(), Error> {
        either!(self, store => store.detach(id, epoch, window).await)
    }

    async fn end(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        either!(self, store => store.end(id, epoch).await)
    }

    async fn save(&self, id: SessionId, epoch: Epoch, state: &[u8]) -> Result<(), Error> {
        either!(self, store => store.save(id, epoch, state).await)
    }

    async fn look(&self, id: SessionId) -> Result<Option<Seen>, Error> {
        either!(self, store => store.look(id).await)
    }
}

impl Journal for Store {
    async fn begin(&self, call: Call<'_>) -> Result<Begin, Error> {
        either!(self, store => store.begin(call).await)
    }

    async fn finish(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        outcome: &[u8],
    ) -> Result<Finish, Error> {
        either!(self, store => store.finish(session, request, pod, outcome).await)
    }

    async fn take_over(
        &self,
        session: SessionId,
        epoch: Epoch,
        request: &str,
        dead: &PodId,
        pod: &PodId,
    ) -> Result<Takeover, Error> {
        either!(self, store => store.take_over(session, epoch, request, dead, pod).await)
    }

    async fn acknowledge(&self, session: SessionId, epoch: Epoch, requests: &[&str]) -> Result<(), Error> {
        either!(self, store => store.acknowledge(session, epoch, requests).await)
    }

    async fn acknowledge_all_but(
        &self,
        session: SessionId,
        epoch: Epoch,
        unanswered: &[&str],
    ) -> Result<(), Error> {
        either!(self, store => store.acknowledge_all_but(session, epoch, unanswered).await)
    }

    async fn withdraw(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        attempt: u64,
    ) -> Result<(), Error> {
        either!(self, store => store.withdraw(session, request, pod, attempt).await)
    }

    async fn lookup(&self, session: SessionId, requests: &[&str]) -> Result<Vec<Option<Entry>>, Error> {
        either!(self, store => store.lookup(session, requests).await)
    }
}

impl EventLog for Store {
    async fn publish(&self, tenant: &str, event: NewEvent<'_>, key: Option<&str>) -> Result<Position, Error> {
        either!(self, store => store.publish(tenant, event, key).await)
    }

    async fn latest(&self, tenant: &str) -> Result<Position, Error> {
        either!(self, store => store.latest(tenant).await)
    }

    async fn read(&self, tenant: &str, after: Position, limit: ReadLimit) -> Result<Page, Error> {
        either!(self, store => store.read(tenant, after, limit).await)
    }

    fn tail(&self) -> Tail {
        either!(self, store => store.tail())
    }
}

impl Leases for Store {
    async fn acquire(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        either!(self, store => store.acquire(pod, ttl).await)
    }

    async fn renew(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        either!(self, store => store.renew(pod, ttl).await)
    }

    async fn release(&self, pod: &PodId) -> Result<(), Error> {
        either!(self, store => store.release(pod).await)
    }

    async fn alive(&self, pod: &PodId) -> Result<bool, Error> {
        either!(self, store => store.alive(pod).await)
    }
}

impl Revocations for Store {
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Error> {
        either!(self, store => store.revoke(revocation).await)
    }

    async fn revoked(&self, known: Option<&str>) -> Result<Option<Revoked>, Error> {
        either!(self, store => store.revoked(known).await)
    }

    async fn revocations_changed(&self) {
        either!(self, store => store.revocations_changed().await)
    }
}

impl Quotas for Store {
    async fn settle(&self, name: &str, spent: Spent) -> Result<Duration, Error> {
        either!(self, store => store.settle(name, spent).await)
    }
}

impl Channel for Store {
    async fn send(&self, pod: &PodId, message: &[u8]) -> Result<bool, Error> {
        either!(self, store => store.send(pod, message).await)
    }

    fn inbox(&self, pod: &PodId) -> Inbox {
        either!(self, store => store.inbox(pod))
    }
}

impl Directory for Store {
    async fn put(&self, replica: Arc<Replica>) -> Result<(), Error> {
        either!(self, store => store.put(replica).await)
    }

    async fn remove(&self, replica: &Arc<Replica>) -> Result<(), Error> {
        either!(self, store => store.remove(replica).await)
    }

    fn watch(&self) -> watch::Receiver<Snapshot> {
        either!(self, store => store.watch())
    }
}
