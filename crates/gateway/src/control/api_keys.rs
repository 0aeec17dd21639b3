//! The file of API keys, followed for as long as the gateway runs. Whatever goes wrong, the last good keys stay.

use super::file;
use crate::mail::Memo;
use auth::ApiKeys;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often the file is looked at.
const NEXT: Duration = Duration::from_secs(1);

/// Reads the file whenever it has changed, and has all connections look whether their keys are still there.
pub(crate) async fn follow(keys: Arc<ApiKeys>, shards: Vec<mpsc::Sender<Memo>>) {
    // What was read at the start is gone, and there may be another text since.
    let mut seen = None;
    let mut told = String::new();
    loop {
        tokio::time::sleep(NEXT).await;
        let outcome = match file::read(keys.path()).await {
            Ok(text) if seen.as_ref() == Some(&text) => {
                told.clear();
                continue;
            }
            Ok(text) => {
                let outcome = keys.install(&text).map_err(|error| error.to_string());
                seen = Some(text);
                outcome
            }
            Err(reason) => Err(format!("can't read {}: {reason}", keys.path().display())),
        };
        match outcome {
            Ok(count) => {
                told.clear();
                tracing::info!(keys = count, "the API keys were read");
                for shard in &shards {
                    // A shard that is gone has no connections.
                    let _ = shard.send(Memo::Holders).await;
                }
            }
            Err(error) if error != told => {
                tracing::error!(error, "the API keys were not read; the last good ones stay");
                told = error;
            }
            Err(_) => {}
        }
    }
}
