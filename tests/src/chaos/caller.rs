//! A client's calls, all of them remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use client::{Client, Error};
use serde_json::json;
use tokio::sync::watch;

use super::Dice;
use super::calls::{Answer, Call};
use super::counters::{Count, Counted, Counters};
use super::steady::Steady;

/// Calls in flight at a time: fewer than a gateway allows a connection, which are 256.
pub(super) const MOST: usize = 200;

/// One client that calls.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) client: Client,
    pub(super) number: usize,
    pub(super) dice: Dice,
    /// Shared by all, so that no two calls have the same.
    pub(super) keys: Arc<AtomicU64>,
    /// How long a tool takes at most.
    pub(super) longest: Duration,
}

impl Caller {
    /// Calls until it is stopped, then waits for the answers that are due.
    pub(super) async fn run(mut self, steady: Steady, stop: watch::Receiver<bool>) -> Vec<Call> {
        let mut calls = Vec::new();
        let ended = steady.run(&mut self.dice, stop, |dice| {
            let key = self.keys.fetch_add(1, Relaxed);
            let once = dice.below(2) == 0;
            let ms = dice.below(self.longest.as_millis() as u64 + 1);
            calls.push(Call { client: self.number, key, once, begun: Instant::now(), ended: None });
            ask(self.client.clone(), once, Count { key, ms })
        });
        let ended = ended.await;
        for (call, ended) in calls.iter_mut().zip(ended) {
            call.ended = ended;
        }
        calls
    }
}

async fn ask(client: Client, once: bool, count: Count) -> (Instant, Answer) {
    let tool = if once { Counters::ONCE } else { Counters::AGAIN };
    let result = client.request("tool.execute", json!({"tool": tool, "args": count})).await;
    let answer = match result {
        Ok(result) => match serde_json::from_str::<Counted>(result.get()) {
            Ok(counted) => Answer::Result(counted),
            Err(_) => Answer::Failed(format!("the result is {}", result.get())),
        },
        Err(Error::Rpc { code: 4006, .. }) => Answer::Unknown,
        Err(error) => Answer::Failed(error.to_string()),
    };
    (Instant::now(), answer)
}
