//! The store that the settings chose. It adds nothing to it but a count.
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{Operation, Operations};
use protocol::Replica;
use tokio::sync::watch;

use crate::{
    Availability, Begin, Call, Channel, Directory, Entry, Epoch, Error, EventLog, Finish, Inbox, Journal,
    Leases, MemoryStore, NewEvent, NewSession, Page, PodId, Position, Quotas, ReadLimit, RedisStore, Resume,
    Resumed, Revocation, Revocations, Revoked, Seen, SessionId, Sessions, Snapshot, Spent, Tail, Takeover,
    Ticket, Tickets,
};

/// The same call on whichever it is. With an operation it is counted, if it goes to Redis.
macro_rules! either {
    ($self:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Memory($store) => $call,
            Store::Redis($store, _) => $call,
        }
    };
    ($self:ident, $operation:ident, $store:ident => $call:expr) => {
        match $self {
            Store::Memory($store) => $call,
            Store::Redis($store, operations) => {
                let asked = Instant::now();
                let answer = $call;
                count(operations, Operation::$operation, asked, &answer);
                answer
            }
        }
    };
}

/// Either store; clones share it.
#[derive(Clone, Debug)]
pub enum Store {
    /// Everything in this process.
    Memory(MemoryStore),
    /// Everything in Redis, and what counts how it is asked.
    Redis(RedisStore, Arc<Operations>),
}

impl Store {
    /// Whether it can be reached, now and whenever that changes.
    pub fn availability(&self) -> watch::Receiver<Availability> {
        either!(self, store => store.availability())
    }

    /// The same store, counted here from now on: for another thread.
    pub fn counted(self, by: Arc<Operations>) -> Self {
        match self {
            Self::Memory(store) => Self::Memory(store),
            Self::Redis(store, _) => Self::Redis(store, by),
        }
    }
}

/// Counts what Redis was asked: how long its answer took, or that there was none.
fn count<T>(operations: &Operations, operation: Operation, asked: Instant, answer: &Result<T, Error>) {
    if answer.as_ref().is_err_and(Error::is_fault) {
        operations.failed(operation);
    } else {
        operations.answered(operation, asked.elapsed());
    }
}

impl Sessions for Store {
    async fn create(&self, session: NewSession<'_>) -> Result<Epoch, Error> {
        either!(self, Create, store => store.create(session).await)
    }

    async fn restore(&self, session: NewSession<'_>, epoch: Epoch) -> Result<(), Error> {
        either!(self, Restore, store => store.restore(session, epoch).await)
    }

    async fn resume(&self, resume: Resume<'_>) -> Result<Resumed, Error> {
        either!(self, Resume, store => store.resume(resume).await)
    }

    async fn prolong(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        either!(self, Prolong, store => store.prolong(id, epoch).await)
    }

    async fn detach(&self, id: SessionId, epoch: Epoch, window: Duration) -> Result<(), Error> {
        either!(self, Detach, store => store.detach(id, epoch, window).await)
    }

    async fn end(&self, id: SessionId, epoch: Epoch) -> Result<(), Error> {
        either!(self, End, store => store.end(id, epoch).await)
    }

    async fn save(&self, id: SessionId, epoch: Epoch, state: &[u8]) -> Result<(), Error> {
        either!(self, Save, store => store.save(id, epoch, state).await)
    }

    async fn look(&self, id: SessionId) -> Result<Option<Seen>, Error> {
        either!(self, store => store.look(id).await)
    }
}

impl Journal for Store {
    async fn begin(&self, call: Call<'_>) -> Result<Begin, Error> {
        either!(self, Begin, store => store.begin(call).await)
    }

    async fn finish(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        outcome: &[u8],
    ) -> Result<Finish, Error> {
        either!(self, Finish, store => store.finish(session, request, pod, outcome).await)
    }

    async fn take_over(
        &self,
        session: SessionId,
        epoch: Epoch,
        request: &str,
        dead: &PodId,
        pod: &PodId,
    ) -> Result<Takeover, Error> {
        either!(self, TakeOver, store => store.take_over(session, epoch, request, dead, pod).await)
    }

    async fn acknowledge(&self, session: SessionId, epoch: Epoch, requests: &[&str]) -> Result<(), Error> {
        either!(self, Acknowledge, store => store.acknowledge(session, epoch, requests).await)
    }

    async fn acknowledge_all_but(
        &self,
        session: SessionId,
        epoch: Epoch,
        unanswered: &[&str],
    ) -> Result<(), Error> {
        either!(self, AcknowledgeAllBut, store => store.acknowledge_all_but(session, epoch, unanswered).await)
    }

    async fn withdraw(
        &self,
        session: SessionId,
        request: &str,
        pod: &PodId,
        attempt: u64,
    ) -> Result<(), Error> {
        either!(self, Withdraw, store => store.withdraw(session, request, pod, attempt).await)
    }

    async fn lookup(&self, session: SessionId, requests: &[&str]) -> Result<Vec<Option<Entry>>, Error> {
        either!(self, Lookup, store => store.lookup(session, requests).await)
    }
}

impl EventLog for Store {
    async fn publish(&self, tenant: &str, event: NewEvent<'_>, key: Option<&str>) -> Result<Position, Error> {
        either!(self, Publish, store => store.publish(tenant, event, key).await)
    }

    async fn latest(&self, tenant: &str) -> Result<Position, Error> {
        either!(self, Latest, store => store.latest(tenant).await)
    }

    async fn read(&self, tenant: &str, after: Position, limit: ReadLimit) -> Result<Page, Error> {
        either!(self, Read, store => store.read(tenant, after, limit).await)
    }

    fn tail(&self) -> Tail {
        either!(self, store => store.tail())
    }
}

impl Leases for Store {
    async fn acquire(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        either!(self, Acquire, store => store.acquire(pod, ttl).await)
    }

    async fn renew(&self, pod: &PodId, ttl: Duration) -> Result<(), Error> {
        either!(self, Renew, store => store.renew(pod, ttl).await)
    }

    async fn release(&self, pod: &PodId) -> Result<(), Error> {
        either!(self, Release, store => store.release(pod).await)
    }

    async fn alive(&self, pod: &PodId) -> Result<bool, Error> {
        either!(self, Alive, store => store.alive(pod).await)
    }
}

impl Revocations for Store {
    async fn revoke(&self, revocation: &Revocation) -> Result<(), Error> {
        either!(self, Revoke, store => store.revoke(revocation).await)
    }

    async fn revoked(&self, known: Option<&str>) -> Result<Option<Revoked>, Error> {
        either!(self, Revoked, store => store.revoked(known).await)
    }

    async fn revocations_changed(&self) {
        either!(self, store => store.revocations_changed().await)
    }
}

impl Quotas for Store {
    async fn settle(&self, name: &str, spent: Spent) -> Result<Duration, Error> {
        either!(self, Settle, store => store.settle(name, spent).await)
    }
}

impl Tickets for Store {
    async fn keep(&self, ticket: &Ticket, what: &[u8], ttl: Duration) -> Result<(), Error> {
        either!(self, KeepTicket, store => store.keep(ticket, what, ttl).await)
    }

    async fn take(&self, ticket: &Ticket) -> Result<Option<Vec<u8>>, Error> {
        either!(self, TakeTicket, store => store.take(ticket).await)
    }
}

impl Channel for Store {
    async fn send(&self, pod: &PodId, message: &[u8]) -> Result<bool, Error> {
        either!(self, Send, store => store.send(pod, message).await)
    }

    fn inbox(&self, pod: &PodId) -> Inbox {
        either!(self, store => store.inbox(pod))
    }
}

impl Directory for Store {
    async fn put(&self, replica: Arc<Replica>) -> Result<(), Error> {
        either!(self, Put, store => store.put(replica).await)
    }

    async fn remove(&self, replica: &Arc<Replica>) -> Result<(), Error> {
        either!(self, Remove, store => store.remove(replica).await)
    }

    fn watch(&self) -> watch::Receiver<Snapshot> {
        either!(self, store => store.watch())
    }
}
