//! The requests of a client that are not answered: what they ask, whether that was written, where the answer goes.
//! Outlives connections; does no I/O.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::inbox::Inbox;
use crate::queue::Queue;
use crate::waiting::lock;
use crate::{Error, Request};

/// As many unanswered requests are named to a gateway when a session is resumed; it takes no more.
const NAMED: usize = 1024;

/// As many rounds a call has at most; a gateway makes no more for a legacy client.
const ROUNDS: u32 = 100;

#[derive(Default)]
pub(crate) struct Calls {
    last_id: AtomicU64,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    entries: HashMap<u64, Entry>,
    /// Requests that go past the queue, in order.
    errands: Vec<u64>,
    /// Calls that nobody waits for, to be cancelled by a notification.
    dropped: Vec<u64>,
    ended: Option<Error>,
}

/// What is asked.
#[derive(Clone)]
pub(crate) enum Question {
    Request(Arc<Request>),
    /// A ping of the message format.
    Ping,
}

/// Who needs the answer, and what it changes beside that.
pub(crate) enum Role {
    /// A caller.
    Caller,
    /// Opens the session; ends with its connection.
    Greeting,
    /// About its connection alone; ends with it.
    Passing,
    /// Cancels a call that nobody waits for.
    Cancel(u64),
    /// Renews subscriptions, with a position or without; ends with its connection.
    Renewal { replay: bool },
    /// Subscribes for this queue.
    Subscription(Arc<Queue>),
    /// A caller's own `event.subscribe`.
    Asking(Vec<String>),
    /// A caller's own `event.unsubscribe`.
    Unasking(Vec<String>),
}

impl Role {
    /// Whether the request goes on when its connection is lost.
    pub(crate) fn outlives(&self) -> bool {
        !matches!(self, Self::Greeting | Self::Passing | Self::Renewal { .. })
    }
}

pub(crate) struct Entry {
    pub(crate) question: Question,
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) role: Role,
    /// When the caller's timeout is over.
    until: Option<Instant>,
    /// A writer has taken it.
    sent: bool,
    /// It is asked for the second time because the gateway said that it may be.
    repeated: bool,
    /// A cancel was asked for.
    cancelled: bool,
    /// Its result has asked for more, and the next round was not written.
    asks: bool,
    /// How often its result has asked for more.
    rounds: u32,
}

/// A request that is to be written now.
pub(crate) struct Due {
    pub(crate) id: u64,
    pub(crate) question: Question,
    /// How long its caller still waits.
    pub(crate) timeout: Option<Duration>,
}

/// What can be done about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    Nothing,
    /// Ask on the next connection.
    Elsewhere,
    /// Ask once more.
    Again,
}

/// What a result that asks for more is to its request.
pub(crate) enum Round {
    /// The end: no caller waits for it, or there were too many before.
    None,
    /// It came before.
    Known,
    /// This is what was asked.
    Fresh(Arc<Request>),
}

/// What an abandoned call leaves to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Abandoned {
    /// Nothing: it was answered, or never sent.
    Quietly,
    /// Its cancel is to be sent.
    Running,
}

impl Calls {
    /// Ids that no request of this client has; from 1.
    pub(crate) fn ids(&self, count: u64) -> Range<u64> {
        let first = self.last_id.fetch_add(count, Ordering::Relaxed) + 1;
        first..first + count
    }

    /// Enters a request before it is queued.
    pub(crate) fn enter(
        &self,
        id: u64,
        question: Question,
        role: Role,
        inbox: Arc<Inbox>,
    ) -> Result<(), Error> {
        let mut table = self.table();
        table.check()?;
        table.insert(id, question, role, inbox);
        Ok(())
    }

    /// Enters a request that goes past the queue.
    pub(crate) fn errand(&self, request: Request, role: Role, inbox: Arc<Inbox>) -> Result<u64, Error> {
        let mut table = self.table();
        table.check()?;
        let id = self.ids(1).start;
        table.insert(id, Question::Request(Arc::new(request)), role, inbox);
        table.errands.push(id);
        Ok(id)
    }

    /// Takes those of these requests that are still wanted, to be written.
    pub(crate) fn claim(&self, ids: Range<u64>, due: &mut Vec<Due>) {
        let mut table = self.table();
        due.extend(ids.filter_map(|id| table.claim(id)));
    }

    /// Takes the requests that go past the queue, to be written.
    pub(crate) fn claim_errands(&self, due: &mut Vec<Due>) {
        let mut table = self.table();
        let errands = std::mem::take(&mut table.errands);
        due.extend(errands.into_iter().filter_map(|id| table.claim(id)));
    }

    /// Takes all that was written before and not answered, in order, to be written again.
    pub(crate) fn claim_unanswered(&self) -> Vec<Due> {
        let mut table = self.table();
        let mut ids: Vec<_> = table.unanswered(|entry| entry.role.outlives() && !entry.cancelled);
        ids.sort_unstable();
        // What was to be asked anew on the connection before is among them.
        table.errands.retain(|id| ids.binary_search(id).is_err());
        ids.into_iter().filter_map(|id| table.claim(id)).collect()
    }

    /// The ids of requests that were written and not answered, in order, as many as a gateway takes. Also of those that are
    /// to be cancelled: a gateway finds what it was named.
    pub(crate) fn unanswered(&self) -> Vec<u64> {
        let table = self.table();
        let mut ids = table.unanswered(|entry| matches!(entry.question, Question::Request(_)));
        ids.extend(&table.dropped);
        ids.extend(table.entries.values().filter_map(|entry| match entry.role {
            Role::Cancel(id) => Some(id),
            _ => None,
        }));
        ids.sort_unstable();
        ids.truncate(NAMED);
        ids
    }

    /// Ends an entry by its answer.
    pub(crate) fn take(&self, id: u64) -> Option<Entry> {
        self.table().entries.remove(&id)
    }

    /// A caller's request has a result that asks for more: what was asked, the first time that this is said of it.
    pub(crate) fn begin_round(&self, id: u64) -> Round {
        match self.table().entries.get_mut(&id) {
            Some(Entry { asks: true, .. }) => Round::Known,
            Some(Entry {
                question: Question::Request(request), role: Role::Caller, asks, rounds, ..
            }) if *rounds < ROUNDS => {
                *asks = true;
                *rounds += 1;
                Round::Fresh(Arc::clone(request))
            }
            _ => Round::None,
        }
    }

    /// Asks this under the id of a request whose caller still waits.
    pub(crate) fn ask_anew(&self, id: u64, request: Request) {
        let mut table = self.table();
        if let Some(entry) = table.entries.get_mut(&id) {
            entry.question = Question::Request(Arc::new(request));
            table.errands.push(id);
        }
    }

    pub(crate) fn inbox(&self, id: u64) -> Option<Arc<Inbox>> {
        self.table().entries.get(&id).map(|entry| Arc::clone(&entry.inbox))
    }

    /// Ends an entry by an error, unless that has a remedy: then it stays, and a caller that drops it finds it.
    pub(crate) fn fail(&self, id: u64, remedy: Remedy) -> Option<Entry> {
        let mut table = self.table();
        let entry = table.entries.get_mut(&id)?;
        match remedy {
            // It counts as sent, and so is sent again on the next connection.
            Remedy::Elsewhere if entry.role.outlives() => return None,
            Remedy::Again if entry.role.outlives() && !entry.repeated && !entry.cancelled => {
                entry.repeated = true;
                entry.sent = false;
                table.errands.push(id);
                return None;
            }
            _ => {}
        }
        table.entries.remove(&id)
    }

    /// Forgets a call: its answer, if one comes, is nobody's.
    pub(crate) fn abandon(&self, id: u64) -> Abandoned {
        match self.table().entries.remove(&id) {
            Some(Entry {
                sent: true,
                cancelled: false,
                role: Role::Caller,
                question: Question::Request(_),
                ..
            }) => Abandoned::Running,
            _ => Abandoned::Quietly,
        }
    }

    /// A call that was abandoned is to be cancelled by a notification.
    pub(crate) fn cancel(&self, id: u64) {
        self.table().dropped.push(id);
    }

    /// Takes the calls that are to be cancelled by a notification, to be written.
    pub(crate) fn take_dropped(&self) -> Vec<u64> {
        std::mem::take(&mut self.table().dropped)
    }

    /// A cancel is on its way: the call is not to be sent again.
    pub(crate) fn cancelling(&self, id: u64) {
        if let Some(entry) = self.table().entries.get_mut(&id) {
            entry.cancelled = true;
        }
    }

    /// Takes calls that were cancelled and that the gateway knows nothing of.
    pub(crate) fn take_cancelled(&self, unknown: impl Fn(u64) -> bool) -> Vec<Entry> {
        let mut table = self.table();
        table
            .entries
            .extract_if(|id, entry| entry.sent && entry.cancelled && unknown(*id))
            .map(|(_, it)| it)
            .collect()
    }

    /// Takes what ends with its connection.
    pub(crate) fn take_passing(&self) -> Vec<Entry> {
        self.table().entries.extract_if(|_, entry| !entry.role.outlives()).map(|(_, entry)| entry).collect()
    }

    /// Refuses all that would come and takes all that is there.
    pub(crate) fn end(&self, error: &Error) -> Vec<Entry> {
        let mut table = self.table();
        table.ended.get_or_insert_with(|| error.clone());
        table.errands.clear();
        table.dropped.clear();
        std::mem::take(&mut table.entries).into_values().collect()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        lock(&self.table)
    }
}

impl Table {
    fn check(&self) -> Result<(), Error> {
        self.ended.clone().map_or(Ok(()), Err)
    }

    fn insert(&mut self, id: u64, question: Question, role: Role, inbox: Arc<Inbox>) {
        let until = match &question {
            Question::Request(request) => {
                request.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
            }
            Question::Ping => None,
        };
        let entry = Entry {
            question,
            inbox,
            role,
            until,
            sent: false,
            repeated: false,
            cancelled: false,
            asks: false,
            rounds: 0,
        };
        self.entries.insert(id, entry);
    }

    fn claim(&mut self, id: u64) -> Option<Due> {
        let entry = self.entries.get_mut(&id)?;
        let timeout = match &entry.question {
            // What was sent before has used up a part of its time.
            Question::Request(request) => match (request.timeout, entry.until) {
                (Some(_), Some(until)) if entry.sent || entry.repeated => {
                    Some(until.saturating_duration_since(Instant::now()))
                }
                (timeout, _) => timeout,
            },
            Question::Ping => None,
        };
        (entry.sent, entry.asks) = (true, false);
        Some(Due { id, question: entry.question.clone(), timeout })
    }

    fn unanswered(&self, which: impl Fn(&Entry) -> bool) -> Vec<u64> {
        self.entries.iter().filter(|(_, entry)| entry.sent && which(entry)).map(|(id, _)| *id).collect()
    }
}
