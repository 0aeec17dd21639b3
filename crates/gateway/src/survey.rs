//! What is looked up only when somebody asks for metrics: each shard looks at its connections and links, and leaves
//! what it saw.

use crate::mail::Memo;
use crate::pod::Pod;
use crate::shard::Shard;
use metrics::ReplicaState;
use protocol::Replica;
use router::Condition;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a shard may take to look. What one that is too busy for that saw before stands.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a shard's links stand to the replicas of backends.
pub(crate) type Seen = Vec<(Arc<Replica>, Condition)>;

/// Has every shard look.
pub(crate) async fn survey(pod: &Pod, shards: &[mpsc::Sender<Memo>]) {
    let (told, mut seen) = mpsc::channel(shards.len().max(1));
    for shard in shards {
        // One that has ended, or has no room for a memo, is not waited for.
        let _ = shard.try_send(Memo::Survey(told.clone()));
    }
    drop(told);
    let mut worst = HashMap::new();
    let all = async {
        while let Some(links) = seen.recv().await {
            for (replica, condition) in links {
                let known = worst.entry(replica.instance.clone()).or_insert((replica, condition));
                known.1 = known.1.max(condition);
            }
        }
    };
    let _ = tokio::time::timeout(PATIENCE, all).await;
    let places = &pod.metrics.backend_names;
    pod.metrics.replicas(worst.into_values().map(|(replica, condition)| {
        let state = match condition {
            Condition::Up => ReplicaState::Up,
            Condition::Ejected => ReplicaState::Ejected,
            Condition::Unreachable => ReplicaState::Unreachable,
        };
        (places.place(replica.backend()), state)
    }));
}

impl Shard {
    /// Leaves what can only be seen by looking at each connection, and says how each link stands.
    pub(crate) fn look_round(&self) -> Seen {
        let counters = &self.counters;
        let slow = self.peers.borrow().iter().filter(|(_, peer)| peer.is_slow.get()).count();
        counters.slow_readers.set(slow as u64);
        counters.event_lag.set(self.logs.lag());
        counters.sessions_attached.set(self.sessions.borrow().len() as u64);
        counters.journal_running.set(self.desk.borrow().len() as u64);
        self.router.conditions()
    }
}
