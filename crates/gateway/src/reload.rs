//! The wish that settings and files be read again, as SIGHUP and operators bring it, and what else is asked of whoever keeps
//! the settings.

use crate::audit::{Entry, Event};
use crate::config::Change;
use serde::Serialize;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// What may be asked for at a time, before whoever asks waits.
const ORDERS: usize = 16;

/// Asks that settings and files be looked at now.
#[derive(Clone, Debug)]
pub struct Reload {
    wishes: watch::Sender<u64>,
    orders: mpsc::Sender<Order>,
}

/// What is asked of whoever keeps the settings, and where the answer goes.
#[derive(Debug)]
pub(crate) enum Order {
    /// Read them again.
    Reload(By, Option<oneshot::Sender<Result<Change, String>>>),
    /// Say what they are, and where each comes from.
    Show(oneshot::Sender<Result<serde_json::Value, String>>),
    /// Log from this level on, for so long, or until the settings are read again.
    Level(By, String, Option<Duration>, oneshot::Sender<Result<Level, String>>),
    /// Say from which level on lines are logged.
    ShowLevel(oneshot::Sender<Result<Level, String>>),
}

/// Who asks: an operator, or whoever may send the process a signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct By {
    pub(crate) address: Option<IpAddr>,
    pub(crate) operator: Option<Box<str>>,
}

impl By {
    /// What the audit log is told of something that this one had done.
    pub(crate) fn entry(&self, event: Event) -> Entry {
        let entry = Entry::new(event).address(self.address);
        match &self.operator {
            Some(name) => entry.operator(name),
            None => entry,
        }
    }
}

/// From which level on lines are logged.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Level {
    /// The level, or the filter.
    pub(crate) level: String,
    /// What the settings say.
    pub(crate) configured: String,
    /// In how many seconds the settings' own is put back; none if it is when they are read again, or is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) for_s: Option<u64>,
}

impl Reload {
    /// The way to ask, and what was asked.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Order>) {
        let (orders, asked) = mpsc::channel(ORDERS);
        (Self { wishes: watch::Sender::default(), orders }, asked)
    }

    /// Has the settings read again, and certificates and keys, also if nothing seems to have changed, and the audit log opened
    /// again. What comes of it stands in the log.
    pub fn ask(&self) {
        self.look();
        // Where so many wait already, one of them finds what is there now.
        let _ = self.orders.try_send(Order::Reload(By::default(), None));
    }

    /// The same, and says what came of it.
    ///
    /// # Errors
    /// Why nothing has changed.
    pub(crate) async fn reload(&self, by: By) -> Result<Change, String> {
        self.look();
        self.order(|answer| Order::Reload(by, Some(answer))).await
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn order<T>(
        &self,
        order: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Order,
    ) -> Result<T, String> {
        let (answer, answered) = oneshot::channel();
        // Without anybody who listens, or answers, the gateway has ended.
        let _ = self.orders.send(order(answer)).await;
        answered.await.unwrap_or_else(|_| Err("the gateway ends".to_owned()))
    }

    fn look(&self) {
        self.wishes.send_modify(|times| *times += 1);
    }

    /// What somebody who reads files waits for. What was asked before is asked of them too.
    pub(crate) fn asked(&self) -> Asked {
        Asked { wishes: self.wishes.subscribe(), seen: 0 }
    }
}

/// Waits for the next wish.
#[derive(Debug)]
pub(crate) struct Asked {
    wishes: watch::Receiver<u64>,
    seen: u64,
}

impl Asked {
    /// Done when files are to be looked at. Cancel safe.
    pub(crate) async fn next(&mut self) {
        let seen = self.seen;
        let asked = self.wishes.wait_for(|times| *times != seen).await.map(|times| *times);
        match asked {
            Ok(times) => self.seen = times,
            // Nobody can ask any more.
            Err(_) => std::future::pending().await,
        }
    }
}
