//! Busy polling: a shard that serves calls looks for answers and for the next call for a while before its thread sleeps. To wake a CPU
//! that sleeps costs whoever wakes it microseconds, and in a virtual machine an exit to the hypervisor. It looks only where that promises
//! something: when what it waited for before came as soon.

use super::Shard;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::Notify;

/// The longest that a look in vain takes; in what is over another had the CPU.
const LOOK: Duration = Duration::from_micros(10);

/// It sleeps when it has no work.
const SLEEP: u8 = 0;
/// It looks for work first: the last came soon.
const LOOK_FIRST: u8 = 1;
/// It looks.
const LOOKING: u8 = 2;
/// It has looked in vain, and sleeps.
const IN_VAIN: u8 = 3;
/// It sleeps, since it serves no calls, and looks first the next time.
const AT_REST: u8 = 4;

/// What the thread and the task that keeps it awake tell each other. Both run on that thread, one after the other.
#[derive(Debug)]
pub(super) struct BusyPoll {
    limit: Duration,
    /// What the thread does when it is about to sleep.
    next: AtomicU8,
    /// It does not sleep now.
    brink: Notify,
    begun: Instant,
    /// When the thread went to sleep, in nanoseconds since all began.
    asleep_since: AtomicU64,
}

impl BusyPoll {
    /// For the thread of this runtime, which looks for so long.
    pub(super) fn new(limit: Duration, runtime: &mut Builder) -> Arc<Self> {
        let me = Arc::new(Self {
            limit,
            next: AtomicU8::new(SLEEP),
            brink: Notify::new(),
            begun: Instant::now(),
            asleep_since: AtomicU64::new(0),
        });
        let (parking, parked) = (Arc::clone(&me), Arc::clone(&me));
        runtime.on_thread_park(move || parking.park());
        runtime.on_thread_unpark(move || parked.unpark());
        me
    }

    fn now(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }

    fn park(&self) {
        match self.next.load(Relaxed) {
            SLEEP => self.asleep_since.store(self.now(), Relaxed),
            LOOK_FIRST => {
                self.next.store(LOOKING, Relaxed);
                self.brink.notify_one();
            }
            _ => {}
        }
    }

    fn unpark(&self) {
        match self.next.load(Relaxed) {
            SLEEP => {
                let slept = Duration::from_nanos(self.now() - self.asleep_since.load(Relaxed));
                if slept < self.limit {
                    self.next.store(LOOK_FIRST, Relaxed);
                }
            }
            IN_VAIN => self.next.store(SLEEP, Relaxed),
            AT_REST => self.next.store(LOOK_FIRST, Relaxed),
            _ => {}
        }
    }

    /// Keeps the thread of this shard awake until nothing was done for as long as the limit, each time that it looks first and for as
    /// long as it serves calls.
    pub(super) async fn run(&self, shard: &Shard) {
        let mut ended = 0;
        // Calls are under way, or have ended since it was asked.
        let mut serves = || {
            let before = std::mem::replace(&mut ended, shard.counters.calls_ended.value());
            ended > before || shard.router.in_flight() > 0
        };
        loop {
            self.brink.notified().await;
            let is_in_vain = serves() && self.look(shard, &mut serves).await;
            self.next.store(if is_in_vain { IN_VAIN } else { AT_REST }, Relaxed);
        }
    }

    /// Looks; returns whether nothing came for as long as the limit. Else what came was no calls.
    async fn look(&self, shard: &Shard, mut serves: impl FnMut() -> bool) -> bool {
        let mut looked = Instant::now();
        let mut worked = looked;
        while looked - worked < self.limit {
            // Whoever shares the CPU has its turn; then the runtime looks at its sockets and timers before it comes back.
            std::thread::yield_now();
            tokio::task::yield_now().await;
            let now = Instant::now();
            if shard.turn_began.get() > looked {
                if !serves() {
                    return false;
                }
                worked = now;
            } else {
                shard.counters.polled((now - looked).min(LOOK));
            }
            looked = now;
        }
        true
    }
}
