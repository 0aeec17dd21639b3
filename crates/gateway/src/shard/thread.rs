//! The thread of a shard: its runtime, its tasks, its end.

use super::busy_poll::BusyPoll;
use super::{Shard, accept};
use crate::fanout::Watch;
use crate::mail::Memo;
use crate::pod::Pod;
use crate::terms::Terms;
use crate::tls;
use router::Table;
use session_store::Store;
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, watch};

/// How far the pod is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Clients come and go.
    Serving,
    /// No new clients; those that are there are told to go.
    Leaving,
    /// Whatever still runs is given up.
    Over,
}

/// What all shards of a pod have alike.
#[derive(Clone)]
pub(crate) struct Common {
    /// What holds at first.
    pub(crate) terms: Terms,
    pub(crate) pod: Arc<Pod>,
    pub(crate) dialer: router::Dialer,
    pub(crate) tls: Option<Arc<tls::Port>>,
    pub(crate) store: Store,
    /// The way to each shard.
    pub(crate) shards: Arc<[mpsc::Sender<Memo>]>,
    /// The way to whoever follows the tenants' logs. Bounded by the logs that a shard opens.
    pub(crate) watch: mpsc::UnboundedSender<Watch>,
}

/// What a shard is made of.
pub(crate) struct Parts {
    pub(crate) index: usize,
    /// The CPU to stay on.
    pub(crate) cpu: Option<core_affinity::CoreId>,
    pub(crate) listener: TcpListener,
    pub(crate) common: Common,
    pub(crate) memos: mpsc::Receiver<Memo>,
    pub(crate) tables: watch::Receiver<Arc<Table>>,
    pub(crate) stage: watch::Receiver<Stage>,
}

/// Starts the thread. It ends when the stage is `Over`, or when it is `Leaving` and no connection is left.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn spawn(parts: Parts) -> io::Result<JoinHandle<io::Result<()>>> {
    std::thread::Builder::new().name(format!("shard-{}", parts.index)).spawn(move || run(parts))
}

fn run(parts: Parts) -> io::Result<()> {
    if let Some(cpu) = parts.cpu
        && !core_affinity::set_for_current(cpu)
    {
        tracing::warn!(shard = parts.index, cpu = cpu.id, "the thread could not be pinned");
    }
    let limit = Duration::from_micros(parts.common.terms.config.runtime.busy_poll_us.into());
    let mut builder = Builder::new_current_thread();
    let busy_poll = (!limit.is_zero()).then(|| BusyPoll::new(limit, &mut builder));
    let runtime = builder.enable_all().build_local(LocalOptions::default())?;
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::from_std(parts.listener)?;
        let shard = Shard::new(parts.index, parts.common);
        shard.counters.begin();
        let mut tables = parts.tables;
        shard.router.apply(Arc::clone(&tables.borrow_and_update()));
        let follower = Rc::clone(&shard);
        tokio::task::spawn_local(async move {
            while tables.changed().await.is_ok() {
                let table = Arc::clone(&tables.borrow_and_update());
                let before = follower.router.table();
                follower.router.apply(Arc::clone(&table));
                follower.changes.tell(&before, &table);
            }
        });
        if let Some(busy_poll) = busy_poll {
            let busy = Rc::clone(&shard);
            tokio::task::spawn_local(async move { busy_poll.run(&busy).await });
        }
        let reader = Rc::clone(&shard);
        let memos = parts.memos;
        tokio::task::spawn_local(async move { reader.read_memos(memos).await });
        let clock = Rc::clone(&shard);
        tokio::task::spawn_local(async move { clock.turn().await });

        let (mut stage, mut over) = (parts.stage.clone(), parts.stage);
        tokio::select! {
            _ = stage.wait_for(|stage| *stage >= Stage::Leaving) => {}
            () = accept::accept(&shard, listener) => {}
        }
        tokio::select! {
            _ = over.wait_for(|stage| *stage == Stage::Over) => {}
            () = shard.drain() => {}
        }
        Ok(())
    })
}
