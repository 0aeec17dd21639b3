//! The logs that a shard keeps, one for each tenant that somebody here reads: brought up to date from the store and
//! from its news.

use super::{Log, Watch};
use session_store::{EventLog as _, Notice, Page, ReadLimit, Store};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How much one read of the store may bring.
const PAGE: ReadLimit = ReadLimit { events: 500, bytes: 1 << 20 };
/// How long to wait after a read that failed: from the first to the last, doubled each time.
const WAITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// All logs of a shard.
#[derive(Debug)]
pub(crate) struct Logs {
    shard: usize,
    store: Store,
    open: RefCell<HashMap<Arc<str>, Rc<Log>>>,
    watch: mpsc::UnboundedSender<Watch>,
    most_bytes: usize,
}

impl Logs {
    pub(crate) fn new(
        shard: usize,
        store: Store,
        watch: mpsc::UnboundedSender<Watch>,
        most_bytes: usize,
    ) -> Self {
        Self { shard, store, open: RefCell::default(), watch, most_bytes }
    }

    /// The log of a tenant, which is kept from now on, until [`Logs::close`] finds it unread.
    pub(crate) fn open(&self, tenant: &str) -> Rc<Log> {
        if let Some(log) = self.open.borrow().get(tenant) {
            return Rc::clone(log);
        }
        let tenant: Arc<str> = Arc::from(tenant);
        let log = Rc::new(Log::new(Arc::clone(&tenant), self.most_bytes));
        self.open.borrow_mut().insert(Arc::clone(&tenant), Rc::clone(&log));
        // The news open with a check, which brings the log up to date.
        let _ = self.watch.send(Watch { shard: self.shard, tenant, wanted: true });
        log
    }

    /// A reader of this log has gone.
    pub(crate) fn close(&self, log: &Rc<Log>) {
        // One that is just being opened is held by whoever opens it.
        if log.is_unread() && Rc::strong_count(log) <= 2 {
            self.open.borrow_mut().remove(&log.tenant);
            let tenant = Arc::clone(&log.tenant);
            let _ = self.watch.send(Watch { shard: self.shard, tenant, wanted: false });
        }
    }

    /// Takes in what the store told.
    pub(crate) fn notice(self: &Rc<Self>, notice: Notice) {
        let (tenant, event) = match notice {
            Notice::Event { tenant, epoch, event } => (tenant, Some((epoch, event))),
            Notice::Check { tenant } => (tenant, None),
        };
        let Some(log) = self.open.borrow().get(&tenant).cloned() else { return };
        if log.is_unread() && Rc::strong_count(&log) <= 2 {
            // Whoever opened it went before it could read.
            return self.close(&log);
        }
        if !event.is_some_and(|(epoch, event)| log.append(epoch, event)) {
            self.refresh(log);
        }
    }

    /// Brings a log up to date, since it is behind the store.
    pub(crate) fn check(self: &Rc<Self>, log: &Rc<Log>) {
        self.refresh(Rc::clone(log));
    }

    /// By how many events the reader of any log is behind that is furthest behind.
    pub(crate) fn lag(&self) -> u64 {
        self.open.borrow().values().map(|log| log.lag()).max().unwrap_or(0)
    }

    /// Wakes the readers of every log that has grown.
    pub(crate) fn wake(&self) {
        for log in self.open.borrow().values() {
            log.wake();
        }
    }

    /// Reads the store until the log is up to date. One at a time for each log.
    fn refresh(self: &Rc<Self>, log: Rc<Log>) {
        if log.refreshing.replace(true) {
            log.again.set(true);
            return;
        }
        let logs = Rc::downgrade(self);
        let store = self.store.clone();
        tokio::task::spawn_local(async move {
            let mut wait = WAITS.0;
            loop {
                log.again.set(false);
                match read(&store, &log).await {
                    Ok(true) if !log.again.get() => break,
                    Ok(_) => wait = WAITS.0,
                    Err(error) => {
                        tracing::debug!(tenant = &*log.tenant, %error, "a log could not be read");
                        tokio::time::sleep(wait).await;
                        wait = (wait * 2).min(WAITS.1);
                    }
                }
                log.wake();
                // Nobody keeps what nobody reads.
                if !logs.upgrade().is_some_and(|logs| logs.open.borrow().contains_key(&log.tenant)) {
                    break;
                }
            }
            log.refreshing.set(false);
            log.wake();
        });
    }
}

/// Reads one page; whether it reached the end.
async fn read(store: &Store, log: &Log) -> Result<bool, session_store::Error> {
    let Some(end) = log.known_end() else {
        log.reset(store.latest(&log.tenant).await?);
        return Ok(true);
    };
    match store.read(&log.tenant, end, PAGE).await? {
        Page::Events { events, end } => {
            for event in events {
                log.append(end.epoch, event);
            }
            Ok(log.known_end().is_some_and(|known| known.offset >= end.offset))
        }
        Page::Gap { resume, .. } => {
            log.reset(resume);
            Ok(false)
        }
    }
}
