//! The file of API keys, followed for as long as the gateway runs.

use super::file::Followed;
use crate::mail::Memo;
use auth::ApiKeys;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Takes the keys whenever the file has changed, and has all connections look whether theirs are still there.
pub(crate) async fn follow(keys: Arc<ApiKeys>, shards: Vec<mpsc::Sender<Memo>>) {
    let mut file = Followed::new(keys.path().to_owned(), "API keys");
    loop {
        file.taken(|text| keys.install(text).map_err(|error| error.to_string())).await;
        for shard in &shards {
            // A shard that is gone has no connections.
            let _ = shard.send(Memo::Holders).await;
        }
    }
}
