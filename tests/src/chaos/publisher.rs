//! A client's events, each published until the gateway has said where it stands.

use std::time::{Duration, Instant};

use client::Client;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Dice;
use super::events::{Position, Publication, Tick};
use super::steady::Steady;

/// Publishes in flight at a time.
pub(super) const MOST: usize = 500;
/// Before an event is published again.
const PAUSE: Duration = Duration::from_millis(100);

/// One client that publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    pub(super) client: Client,
    pub(super) dice: Dice,
    /// Tells it from other publishers of the run.
    pub(super) number: u64,
}

impl Publisher {
    /// The name of the run's events.
    pub(super) const NAME: &str = "chaos.tick";

    /// Publishes until it is stopped, then waits for what is due.
    pub(super) async fn run(mut self, steady: Steady, stop: watch::Receiver<bool>) -> Vec<Publication> {
        let mut ticks = Vec::new();
        let taken = steady.run(&mut self.dice, stop, |_| {
            let tick = Tick { publisher: self.number, n: ticks.len() as u64 };
            ticks.push(tick);
            publish(self.client.clone(), tick)
        });
        let taken = taken.await;
        let publication = |(tick, taken): (Tick, Option<Taken>)| {
            let failures = taken.as_ref().map_or_else(Vec::new, |taken| taken.failures.clone());
            Publication { tick, taken: taken.map(|taken| (taken.when, taken.at)), failures }
        };
        ticks.into_iter().zip(taken).map(publication).collect()
    }
}

/// An event that stands in the log.
struct Taken {
    when: Instant,
    at: Position,
    failures: Vec<String>,
}

async fn publish(client: Client, tick: Tick) -> Taken {
    let mut failures = Vec::new();
    // Whether a publish without an answer took place is not known; with the same key it takes place once.
    let key = format!("{}-{}", tick.publisher, tick.n);
    loop {
        match client.publish_keyed(&key, Publisher::NAME, tick).await {
            Ok(published) => match Position::new(&published.log_epoch, published.offset) {
                Some(at) => return Taken { when: Instant::now(), at, failures },
                None => failures.push(format!("the epoch of the log is {:?}", published.log_epoch)),
            },
            Err(error) => failures.push(error.to_string()),
        }
        sleep(PAUSE).await;
    }
}
