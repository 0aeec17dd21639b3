//! The audit log: one line for each decision over who may come in and do what, but of refusals that are alike, in a chain
//! that shows what is removed or changed. Whoever decides only leaves an entry; a thread of its own writes it.

mod chain;
mod entry;
mod file;
mod folds;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod losses;
mod verify;
mod writer;

pub(crate) use entry::{Entry, Event};
pub(crate) use verify::verify;

use crate::config;
use file::Opened;
use folds::Folds;
use losses::Losses;
use session_store::PodId;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use writer::Writer;

/// Entries that may wait for the disk; one more is lost, and counted.
const WAITING: usize = 4_096;

/// Where decisions are told. Without a file nothing is kept of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    orders: SyncSender<Order>,
    folds: Arc<Folds>,
    losses: Arc<Losses>,
}

/// What the thread that writes is told.
#[derive(Debug)]
enum Order {
    Write(Entry),
    Reopen,
    End,
}

/// A file that was opened, and is not written to yet.
#[derive(Debug)]
pub(crate) struct Log {
    settings: config::Audit,
    opened: Opened,
}

/// The thread that writes.
#[derive(Debug)]
pub(crate) struct Thread(JoinHandle<()>);

impl Log {
    /// Opens the file that the settings name, if they name one.
    ///
    /// # Errors
    /// The system's, or that it is something else than an audit log.
    pub(crate) fn open(settings: &config::Audit) -> io::Result<Option<Self>> {
        let Some(path) = &settings.file else { return Ok(None) };
        Ok(Some(Self { opened: file::open(path)?, settings: settings.clone() }))
    }

    /// Starts the thread that writes what this pod decides.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(self, pod: &PodId, metrics: Arc<metrics::Pod>) -> io::Result<(Audit, Thread)> {
        let (orders, received) = sync_channel(WAITING);
        let (losses, folds) = (Arc::new(Losses::new(metrics)), Arc::<Folds>::default());
        let shared = (Arc::clone(&losses), Arc::clone(&folds));
        let writer = Writer::new(self.settings, self.opened, pod.to_string(), shared);
        let thread = std::thread::Builder::new().name("audit".to_owned());
        let thread = thread.spawn(move || writer.run(&received))?;
        Ok((Audit(Some(Arc::new(Inner { orders, folds, losses }))), Thread(thread)))
    }
}

impl Audit {
    /// Leaves an entry, which is made only if there is a file. Never waits.
    pub(crate) fn tell(&self, entry: impl FnOnce() -> Entry) {
        if let Some(inner) = &self.0
            && let Some(entry) = inner.folds.fold(entry(), Instant::now())
            && inner.orders.try_send(Order::Write(entry)).is_err()
        {
            inner.losses.add(1);
        }
    }

    /// Whether there is a file.
    pub(crate) const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Has the file opened again, behind what waits already.
    ///
    /// # Cancel safety
    /// It is not opened again then.
    pub(crate) async fn reopen(&self) {
        self.order(|| Order::Reopen).await;
    }

    /// Waits until everything is written, for a while: a disk that hangs holds up nobody for ever.
    pub(crate) async fn end(&self, thread: Thread) {
        let ended = async {
            self.order(|| Order::End).await;
            while !thread.0.is_finished() {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("the last lines of the audit log may be lost: the disk takes too long");
        }
    }

    async fn order(&self, order: impl Fn() -> Order) {
        let Some(inner) = &self.0 else { return };
        while let Err(TrySendError::Full(_)) = inner.orders.try_send(order()) {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// How long to wait for room in the channel, or for the end of the thread.
const PAUSE: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(5);
