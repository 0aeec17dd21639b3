//! A backend that counts how often each call was executed, and lets calls wait until they are let go.

use backend::{Backend, Tool};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What its tools take.
#[derive(Debug, Deserialize, JsonSchema)]
struct Args {
    /// Which call.
    key: String,
    /// Whether the call waits until it is let go.
    #[serde(default)]
    held: bool,
}

/// The counts, shared by all backends made of it.
#[derive(Clone, Debug)]
pub struct Counter {
    executed: Arc<Mutex<HashMap<String, usize>>>,
    open: watch::Sender<bool>,
}

impl Counter {
    /// Nothing was executed yet, and calls that are held wait.
    pub fn new() -> Self {
        Self { executed: Arc::default(), open: watch::Sender::new(false) }
    }

    /// A backend of the tools `count.once`, which may not be executed twice, and `count.again`, which may.
    pub fn backend(&self) -> Backend {
        let tool = |name: &str| {
            let counter = self.clone();
            Tool::new(name, move |_call: backend::Call, args: Args| {
                let counter = counter.clone();
                async move {
                    let count = counter.count(&args.key);
                    if args.held {
                        // The sender lives as long as the counter.
                        let _ = counter.open.subscribe().wait_for(|open| *open).await;
                    }
                    Ok(backend::Json(serde_json::json!({"key": args.key, "executed": count})))
                }
            })
        };
        Backend::new("counter").tool(tool("count.once")).tool(tool("count.again").idempotent())
    }

    fn count(&self, key: &str) -> usize {
        let mut executed = self.executed.lock().unwrap_or_else(PoisonError::into_inner);
        let count = executed.entry(key.to_owned()).or_default();
        *count += 1;
        *count
    }

    /// How often the call of this key was begun.
    pub fn executed(&self, key: &str) -> usize {
        self.executed.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied().unwrap_or_default()
    }

    /// Waits until the call of this key was begun so often.
    pub fn await_executed(&self, key: &str, count: usize) {
        crate::until(&format!("{key} to be executed {count} times"), || {
            (self.executed(key) == count).then_some(())
        });
    }

    /// Calls that are held go on, now and later.
    pub fn let_go(&self) {
        self.open.send_replace(true);
    }
}

impl Default for Counter {
    fn default() -> Self {
        Self::new()
    }
}
