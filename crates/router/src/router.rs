//! The router of one shard, as the shard sees it.
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use protocol::Replica;
use tokio::time::Instant;

use crate::core::Core;
use crate::deadlines::Timer;
use crate::link::State;
use crate::seen::Seen;
use crate::{Call, CallKey, Dialer, Failure, Options, Sink, Stats, Table};

/// Sends the calls of one shard to backends. Neither Send nor Sync; clones are the same router. When
/// the last clone is dropped all connections close, calls in flight are cancelled at their backends,
/// and nothing is delivered any more.
#[derive(Clone)]
pub struct Router {
    core: Rc<Core>,
}

impl Router {
    /// A router without handlers.
    ///
    /// # Panics
    /// Outside of tokio's LocalRuntime or a LocalSet, with time and I/O enabled.
    pub fn new(dialer: Dialer) -> Self {
        let core = Rc::new(Core::new(dialer));
        Timer::run(&core);
        Self { core }
    }

    /// Takes a new table. Replicas that are still there keep their connections, and lost ones are
    /// dialled again at once; new ones are dialled at once, and calls for them wait for that; those gone
    /// get no new calls, and their connection ends with the last call that they have.
    pub fn apply(&self, table: Arc<Table>) {
        self.core.apply(table);
    }

    /// Takes from these options what may change while connections stand: how calls are bounded, judged and retried. Calls that
    /// run keep their deadlines. The other options stay as they were at the start.
    pub fn tune(&self, options: &Options) {
        self.core.tune(options);
    }

    /// The table applied last; an empty one before.
    pub fn table(&self) -> Arc<Table> {
        Arc::clone(&self.core.table.borrow())
    }

    /// Starts a call. Its events go to `sink` with `tag`, later, never from inside this function; exactly
    /// one of them ends it, at its deadline at the latest (as exactly as 10 ms).
    ///
    /// # Errors
    /// 4009 if no replica is connected, all have as many calls as they may, or the handler has left the
    /// table. Nothing was sent then and nothing is delivered.
    pub fn start(&self, call: Call<'_>, sink: Rc<dyn Sink>, tag: u64) -> Result<CallKey, Failure> {
        self.core.start(call, sink, tag)
    }

    /// Forgets a call and tells the backend to stop: nothing of it is delivered from here on. False if
    /// it had ended already.
    pub fn cancel(&self, key: CallKey) -> bool {
        self.core.cancel(key)
    }

    /// Who has a call now; `None` if it has ended, or waits to be sent again.
    pub fn replica_of(&self, key: CallKey) -> Option<Arc<Replica>> {
        let mut calls = self.core.calls.borrow_mut();
        let (_, call) = calls.by_key(key.0)?;
        call.link.as_ref().map(|link| Arc::clone(&link.replica))
    }

    /// Calls that were started and have not ended.
    pub fn in_flight(&self) -> usize {
        self.core.calls.borrow().len()
    }

    /// How this shard sees the replicas of the table applied last. Looks at all links: not for every message.
    pub fn seen(&self) -> Vec<Seen> {
        let now = Instant::now();
        self.core.links.borrow().iter().map(|link| link.seen(now)).collect()
    }

    /// Has `told` hear of each replica that is ejected, each time. Only the first one who asks is told.
    pub fn on_ejection(&self, told: impl Fn(&Replica) + 'static) {
        let _ = self.core.ejected.set(Box::new(told));
    }

    /// Counters and gauges of this shard. Counts the links: not for every message.
    pub fn stats(&self) -> Stats {
        let retiring = self.core.retiring.borrow();
        let links = self.core.links.borrow();
        let open = || links.iter().chain(retiring.iter()).filter(|link| link.state.get() != State::Closed);
        Stats {
            links: open().count(),
            links_up: open().filter(|link| link.state.get() == State::Up).count(),
            ..self.core.stats.get()
        }
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").field("stats", &self.stats()).finish_non_exhaustive()
    }
}
