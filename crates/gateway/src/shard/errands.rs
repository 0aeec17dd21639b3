//! What operators ask of this shard: some of its connections, or something of one. However many there are, one ask looks at
//! a few of them, and each does its own part in its own turn.

use super::{Peer, Shard, Signals};
use crate::inquiry::{Ask, Errand, Filter, Found, Page, Report, Whom};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The most connections that one ask looks at.
const LOOKED_AT: usize = 512;
/// The most places, taken or not, that one ask passes by.
const PASSED: usize = 16_384;

/// What is left for a connection to do in its next turn.
#[derive(Debug)]
pub(crate) enum Task {
    /// Say how it stands, if it fits.
    Census(Rc<Census>),
    /// Of an operator alone.
    Errand(Errand),
}

/// A count of connections that is answered once the last of them has reported, or is gone.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) filter: Arc<Filter>,
    reports: RefCell<Vec<Report>>,
    next: Cell<Option<usize>>,
    answer: mpsc::Sender<Found>,
}

impl Census {
    /// A connection fits.
    pub(crate) fn enter(&self, report: Report) {
        self.reports.borrow_mut().push(report);
    }
}

impl Drop for Census {
    fn drop(&mut self) {
        let mut reports = self.reports.take();
        reports.sort_unstable_by_key(|report| report.key);
        // Whoever asked may have gone.
        let _ = self.answer.try_send(Found { reports, next: self.next.get() });
    }
}

impl Shard {
    /// Does what an operator asks.
    pub(super) fn asked(self: &Rc<Self>, ask: Ask) {
        match ask {
            Ask::Page(page) => self.count(page),
            Ask::Replicas(answer) => {
                let _ = answer.try_send(self.router.seen());
            }
            Ask::One(Whom::Session(session), errand) => {
                let held = self.sessions.borrow().get(&session).copied();
                if let Some(held) = held {
                    self.leave_task(held.peer, Task::Errand(errand));
                }
            }
            Ask::One(Whom::Connection(id), errand) => {
                let shard = Rc::clone(self);
                tokio::task::spawn_local(async move { shard.find(id, errand).await });
            }
        }
    }

    /// What is left for this connection.
    pub(crate) fn take_tasks(&self, peer: usize) -> Vec<Task> {
        self.tasks.borrow_mut().remove(&peer).unwrap_or_default()
    }

    /// The connection is gone, and does nothing any more.
    pub(crate) fn forget_tasks(&self, peer: usize) {
        // Mostly nobody asks: then nothing is looked up.
        if !self.tasks.borrow().is_empty() {
            self.take_tasks(peer);
        }
    }

    fn leave_task(&self, key: usize, task: Task) {
        let peers = self.peers.borrow();
        let Some(peer) = peers.get(key) else { return };
        self.tasks.borrow_mut().entry(key).or_default().push(task);
        peer.signal(Signals::TASK);
    }

    fn count(&self, page: Page) {
        let Page { from, filter, answer } = page;
        let census = Rc::new(Census { filter, reports: RefCell::default(), next: Cell::new(None), answer });
        let capacity = self.peers.borrow().capacity();
        let (mut key, mut seen) = (from, 0);
        while key < capacity && seen < LOOKED_AT && key - from < PASSED {
            if self.peers.borrow().get(key).is_some_and(|peer| peer.address().is_some()) {
                seen += 1;
                self.leave_task(key, Task::Census(Rc::clone(&census)));
            }
            key += 1;
        }
        census.next.set((key < capacity).then_some(key));
    }

    /// Looks for a connection by its number, some at a time.
    async fn find(&self, id: u64, errand: Errand) {
        let mut key = 0;
        while key < self.peers.borrow().capacity() {
            for _ in 0..LOOKED_AT {
                let is_it = |peer: &Rc<Peer>| peer.id() == id && peer.address().is_some();
                let found = self.peers.borrow().get(key).is_some_and(is_it);
                if found {
                    return self.leave_task(key, Task::Errand(errand));
                }
                key += 1;
            }
            tokio::task::yield_now().await;
        }
    }
}
