//! Busy polling: a shard that runs out of work looks for more for a while before its thread sleeps. To wake a CPU that sleeps costs
//! whoever wakes it microseconds, and in a virtual machine an exit to the hypervisor.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// What the thread and the task that keeps it awake tell each other.
#[derive(Debug, Default)]
pub(super) struct BusyPoll {
    /// The thread is about to sleep.
    brink: Notify,
    /// It was kept awake for long enough.
    is_over: AtomicBool,
}

impl BusyPoll {
    /// For the thread of this runtime.
    pub(super) fn new(runtime: &mut Builder) -> Arc<Self> {
        let me = Arc::<Self>::default();
        let (parking, parked) = (Arc::clone(&me), Arc::clone(&me));
        runtime.on_thread_park(move || {
            if !parking.is_over.load(Relaxed) {
                parking.brink.notify_one();
            }
        });
        runtime.on_thread_unpark(move || parked.is_over.store(false, Relaxed));
        me
    }

    /// Keeps the thread awake until nothing was done for `limit`, each time that it is about to sleep. `last` tells when
    /// something was done.
    pub(super) async fn run(&self, limit: Duration, last: impl Fn() -> Instant) {
        loop {
            self.brink.notified().await;
            let begin = Instant::now();
            while begin.max(last()).elapsed() < limit {
                // The runtime looks at its sockets and timers before it comes back.
                tokio::task::yield_now().await;
            }
            self.is_over.store(true, Relaxed);
        }
    }
}
