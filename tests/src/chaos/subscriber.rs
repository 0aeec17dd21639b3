//! A client's events as they come, all of them remembered.

use std::time::Instant;

use client::{Client, Error, Subscription};
use tokio::sync::{mpsc, watch};

use super::events::{Position, Reading, Seen};

/// What a subscriber subscribes to: the run's events and the word that ends it.
pub(super) const NAMES: [&str; 1] = ["chaos.*"];
/// The name of the event behind all others.
pub(super) const END: &str = "chaos.end";

/// Reads until `stop` says so or the stream ends, and says once when it has come to the end of the run's events.
pub(super) async fn run(
    mut subscription: Subscription,
    at_end: mpsc::Sender<()>,
    mut stop: watch::Receiver<bool>,
) -> Reading {
    let mut reading = Reading::default();
    loop {
        let item = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            item = subscription.next() => item,
        };
        match item {
            Some(Ok(event)) if event.name == END => {
                // Whoever waits may have given up.
                let _ = at_end.try_send(());
            }
            Some(Ok(event)) => {
                let at = Position::new(&event.log_epoch, event.offset);
                match at.zip(serde_json::from_str(event.data.get()).ok()) {
                    Some((at, tick)) => reading.seen.push(Seen::Event { at, tick }),
                    None => reading.failures.push(format!("an event that nobody published: {event:?}")),
                }
            }
            Some(Err(Error::Gap { log_epoch, last_offset })) => {
                match Position::new(&log_epoch, last_offset) {
                    Some(to) => reading.seen.push(Seen::Gap { to, when: Instant::now() }),
                    None => reading.failures.push(format!("a gap to the log {log_epoch:?}")),
                }
            }
            Some(Err(error)) => reading.failures.push(error.to_string()),
            None => {
                reading.failures.push("the stream of events has ended".to_owned());
                break;
            }
        }
    }
    reading
}

/// Subscribes to the run's events.
pub(super) async fn subscribe(client: &Client) -> Result<Subscription, Error> {
    client.subscribe(NAMES).await
}
