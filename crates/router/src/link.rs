//! One replica as one shard holds it: the connection's state, its load, and what is thought of it.
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use protocol::Replica;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tonic::transport::Channel;

use crate::judge::{Judge, Standing};
use crate::outbox::Outbox;

/// Where a link stands on its way to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The first dial is under way: calls wait in the outbox.
    Dialing,
    /// Connected: calls are sent.
    Up,
    /// Lost, to be dialled again: no calls.
    Down,
    /// Given up for good.
    Closed,
}

/// How a replica stands with one shard, the worse the higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// It gets calls.
    Up,
    /// It is connected, and gets calls only where there is no other replica, since they failed.
    Ejected,
    /// It is not connected.
    Unreachable,
}

#[derive(Debug)]
pub(crate) struct Link {
    /// Unique in the router; a redial keeps it.
    pub id: u64,
    pub replica: Arc<Replica>,
    /// False also for a replica that promised Calls and does not have it.
    pub multiplexed: Cell<bool>,
    pub state: Cell<State>,
    /// Where calls go: to the stream, or to wait for a connection.
    pub outbox: RefCell<Outbox>,
    /// Only where calls are not multiplexed, and only while up.
    pub channel: RefCell<Option<Channel>>,
    /// Counts connections, so that a call of an earlier one cannot break the present one.
    pub epoch: Cell<u64>,
    /// Why a single call found the connection broken.
    pub broken: RefCell<Option<String>>,
    pub breaks: Notify,
    /// The directory says that it may be back.
    pub hurry: Notify,
    pub in_flight: Cell<usize>,
    /// The table no longer lists it: it ends with its last call.
    pub retired: Cell<bool>,
    pub judge: RefCell<Judge>,
    pub task: RefCell<Option<AbortHandle>>,
}

impl Link {
    pub(crate) fn new(id: u64, replica: Arc<Replica>) -> Self {
        Self {
            id,
            multiplexed: Cell::new(replica.description.multiplexed),
            replica,
            state: Cell::new(State::Dialing),
            outbox: RefCell::default(),
            channel: RefCell::new(None),
            epoch: Cell::new(0),
            broken: RefCell::new(None),
            breaks: Notify::new(),
            hurry: Notify::new(),
            in_flight: Cell::new(0),
            retired: Cell::new(false),
            judge: RefCell::default(),
            task: RefCell::new(None),
        }
    }

    /// Whether this link can go on to serve a replica as the directory now lists it.
    pub(crate) fn serves(&self, replica: &Replica) -> bool {
        self.replica.instance == replica.instance
            && self.replica.address == replica.address
            && self.replica.description.multiplexed == replica.description.multiplexed
            && self.replica.backend() == replica.backend()
            && self.state.get() != State::Closed
    }

    /// How much it should be preferred; less is better. `None`: it cannot take a call.
    pub(crate) fn rank(&self, limit: usize, now: Instant) -> Option<(u8, usize)> {
        let load = self.in_flight.get();
        if load >= limit || self.retired.get() {
            return None;
        }
        let standing = || self.judge.borrow().standing(now);
        match self.state.get() {
            State::Up if standing() == Standing::Good => Some((0, load)),
            State::Up => Some((2, load)),
            State::Dialing => Some((1, load)),
            State::Down | State::Closed => None,
        }
    }

    pub(crate) fn condition(&self, now: Instant) -> Condition {
        match self.state.get() {
            State::Up if self.judge.borrow().standing(now) == Standing::Good => Condition::Up,
            State::Up => Condition::Ejected,
            State::Dialing | State::Down | State::Closed => Condition::Unreachable,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state.get(), State::Up | State::Dialing)
    }

    /// A call was given to it.
    pub(crate) fn enter(&self, now: Instant) {
        self.in_flight.set(self.in_flight.get() + 1);
        self.judge.borrow_mut().chosen(now);
    }

    /// A call ended or went elsewhere. The last one closes a retired link.
    pub(crate) fn leave(&self) {
        self.in_flight.set(self.in_flight.get().saturating_sub(1));
        self.close_if_done();
    }

    /// The table lists it no more.
    pub(crate) fn retire(&self) {
        self.retired.set(true);
        self.close_if_done();
    }

    fn close_if_done(&self) {
        if self.retired.get() && self.in_flight.get() == 0 {
            self.close();
        }
    }

    /// Ends the connection and its task, for good.
    pub(crate) fn close(&self) {
        self.state.set(State::Closed);
        self.outbox.borrow().close();
        *self.channel.borrow_mut() = None;
        if let Some(task) = self.task.borrow_mut().take() {
            task.abort();
        }
    }

    /// A single call found the connection that it was sent on broken.
    pub(crate) fn broke(&self, epoch: u64, reason: &str) {
        if self.state.get() == State::Up && self.epoch.get() == epoch {
            self.state.set(State::Down);
            *self.channel.borrow_mut() = None;
            *self.broken.borrow_mut() = Some(reason.to_owned());
            self.breaks.notify_one();
        }
    }
}
