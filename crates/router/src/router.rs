//! The router of one shard, as the shard sees it.
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use crate::core::Core;
use crate::deadlines::Timer;
use crate::link::State;
use crate::{Call, CallKey, Condition, Dialer, Failure, Sink, Stats, Table};
use protocol::Replica;
use tokio::time::Instant;

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

    /// Calls that were started and have not ended.
    pub fn in_flight(&self) -> usize {
        self.core.calls.borrow().len()
    }

    /// Has `told` hear of each replica that is ejected, each time. Only the first one who asks is told.
    pub fn on_ejection(&self, told: impl Fn(&Replica) + 'static) {
        let _ = self.core.ejected.set(Box::new(told));
    }

    /// How each replica of the table stands. Looks at all links: not for every message.
    pub fn conditions(&self) -> Vec<(Arc<Replica>, Condition)> {
        let now = Instant::now();
        let links = self.core.links.borrow();
        links.iter().map(|link| (Arc::clone(&link.replica), link.condition(now))).collect()
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
