//! The two backends, replicas of one another, and what they have executed. They know nothing of who called, or how
//! often it was meant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use backend::{Backend, Failure, Serve, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::Fleet;

/// How long a backend may take to be registered at all pods.
const LIMIT: Duration = Duration::from_secs(30);

/// How often each call was executed, by its key.
#[derive(Clone, Debug, Default)]
pub struct Executions(Arc<Mutex<HashMap<u64, u64>>>);

/// Args of both tools.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
pub(super) struct Count {
    /// Tells the call from every other.
    pub key: u64,
    /// How long it takes, in milliseconds.
    pub ms: u64,
}

/// Result of both tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub(super) struct Counted {
    /// The call's.
    pub key: u64,
    /// The how manieth execution of this key it was.
    pub nth: u64,
}

impl Executions {
    /// Enters the begin of an execution; the how manieth it is.
    pub(super) fn enter(&self, key: u64) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        *count += 1;
        *count
    }

    /// How often this call was executed, or begun to be.
    pub fn of(&self, key: u64) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied().unwrap_or_default()
    }
}

/// Two running backends. Dropped, they end.
#[derive(Debug)]
pub struct Counters {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Counters {
    /// The tool that may be executed once.
    pub const ONCE: &str = "count.once";
    /// The tool that may be executed again.
    pub const AGAIN: &str = "count.again";

    /// Starts both and registers them at every pod.
    ///
    /// # Errors
    /// A pod does not take one of them.
    pub fn start(fleet: &Fleet, executions: &Executions) -> Result<Self> {
        let serve = Serve {
            listen: format!("{}:0", fleet.host),
            register_at: fleet.registries(),
            ..Serve::default()
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, registered) = mpsc::channel();
        let executions = executions.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let first = counter(&executions).serve(serve.clone()).await?;
                let second = counter(&executions).serve(serve).await?;
                tokio::join!(first.registered(), second.registered());
                // Whoever waits may have given up.
                let _ = ready.send(());
                let _ = stopped.await;
                Ok(())
            })
        });
        let mut counters = Self { stop: Some(stop), thread: Some(thread) };
        match registered.recv_timeout(LIMIT) {
            Ok(()) => Ok(counters),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                anyhow::bail!("not every pod has taken the backends after {LIMIT:?}")
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let thread = counters.thread.take().context("it was started")?;
                let ended = thread.join().unwrap_or_else(|_| anyhow::bail!("the backends panicked"));
                ended.and_then(|()| anyhow::bail!("the backends ended by themselves"))
            }
        }
    }
}

impl Drop for Counters {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What it would say is that it ended as it was told.
            let _ = thread.join();
        }
    }
}

fn counter(executions: &Executions) -> Backend {
    let count = |executions: &Executions| {
        let executions = executions.clone();
        move |_, Count { key, ms }| {
            // Counted at once: what is dropped half-way was executed.
            let nth = executions.enter(key);
            async move {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                Ok::<_, Failure>(Counted { key, nth })
            }
        }
    };
    Backend::new("counter")
        .tool(Tool::new(Counters::ONCE, count(executions)).description("Counts; must not be repeated."))
        .tool(
            Tool::new(Counters::AGAIN, count(executions))
                .description("Counts; may be repeated.")
                .idempotent(),
        )
}
