//! Busy polling: a shard that runs out of work looks for more for a while before its thread sleeps. To wake a CPU that sleeps costs
//! whoever wakes it microseconds, and in a virtual machine an exit to the hypervisor.

use super::Shard;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// The longest that a look in vain takes; in what is over another had the CPU.
const LOOK: Duration = Duration::from_micros(10);

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

    /// Keeps the thread of this shard awake until nothing was done for `limit`, each time that it is about to sleep.
    pub(super) async fn run(&self, limit: Duration, shard: &Shard) {
        loop {
            self.brink.notified().await;
            let mut looked = Instant::now();
            let mut worked = looked;
            while looked - worked < limit {
                // The runtime looks at its sockets and timers before it comes back.
                tokio::task::yield_now().await;
                let now = Instant::now();
                if shard.turn_began.get() > looked {
                    worked = now;
                } else {
                    shard.counters.polled((now - looked).min(LOOK));
                }
                looked = now;
            }
            self.is_over.store(true, Relaxed);
        }
    }
}
