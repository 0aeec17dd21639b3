//! The router of one shard, as the shard sees it.
use std::rc::Rc;
use std::sync::Arc;

use crate::{Call, CallKey, Failure, Options, Sink, Stats, Table};

/// Sends the calls of one shard to backends. Neither Send nor Sync; clones are the same router.
#[derive(Clone, Debug)]
pub struct Router {
    options: Rc<Options>,
}

impl Router {
    /// A router without handlers. Must be made, and used, on a shard's own runtime
    /// (tokio's LocalRuntime, or inside a LocalSet).
    pub fn new(options: Options) -> Self {
        Self { options: Rc::new(options) }
    }

    /// Takes a new table: replicas that are still there keep their connections, new ones are dialled at
    /// once, those gone get no new calls and lose their connection when the calls they have are through.
    pub fn apply(&self, table: Arc<Table>) {
        let _ = (table, &self.options);
    }

    /// The table applied last.
    pub fn table(&self) -> Arc<Table> {
        Arc::default()
    }

    /// Starts a call. Its events go to `sink` with `tag`, later, never from inside this function.
    ///
    /// # Errors
    /// 4009 if no replica is connected or all are full. Nothing was sent then and nothing is delivered.
    pub fn start(&self, call: Call<'_>, sink: Rc<dyn Sink>, tag: u64) -> Result<CallKey, Failure> {
        let _ = (sink, tag);
        Err(Failure::unavailable(&call.handler.backend))
    }

    /// Tells the backend to stop, and forgets the call: nothing of it is delivered from here on.
    /// Returns false if the call had ended already.
    pub fn cancel(&self, key: CallKey) -> bool {
        let _ = key;
        false
    }

    /// Calls that were started and have not ended.
    pub fn in_flight(&self) -> usize {
        0
    }

    /// Counters and gauges of this shard.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }
}
