//! Subscriptions to resources at a legacy server: one for each URI, however many callers want it.
use crate::conversation::Conversation;
use mcp::{method, text};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a server may take to take a subscription, or to give it up.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(crate) struct Subscriptions {
    /// How many want each resource.
    wanted: Mutex<HashMap<String, usize>>,
    /// Those that the server knows of. Held while it is told, so that it hears of one thing after the other.
    told: tokio::sync::Mutex<HashSet<String>>,
}

impl Subscriptions {
    fn wanted(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, uri: &str) {
        *self.wanted().entry(uri.to_owned()).or_default() += 1;
    }

    fn leave(&self, uri: &str) {
        let mut wanted = self.wanted();
        if let Some(count) = wanted.get_mut(uri) {
            *count -= 1;
            if *count == 0 {
                wanted.remove(uri);
            }
        }
    }
}

/// One subscription. Dropped, it is given back.
pub(crate) struct Subscription {
    conversation: Arc<Conversation>,
    uri: String,
}

impl Conversation {
    /// Subscribes to a resource of a legacy server. One that knows no subscriptions is logged, and never tells anything.
    ///
    /// # Cancel safety
    /// Dropped, the subscription is given back.
    pub(crate) async fn subscribe(self: &Arc<Self>, uri: &str) -> Subscription {
        self.subscriptions.enter(uri);
        let subscription = Subscription { conversation: Arc::clone(self), uri: uri.to_owned() };
        // A task of its own, since a request that is given up half-way leaves the server in doubt. It fails with the runtime alone.
        let _ = crate::tasks::spawn(Arc::clone(self).settle(uri.to_owned())).await;
        subscription
    }

    /// Sees to it that the server knows whether this resource is wanted now.
    async fn settle(self: Arc<Self>, uri: String) {
        let mut told = self.subscriptions.told.lock().await;
        let is_wanted = self.subscriptions.wanted().contains_key(&uri);
        if is_wanted == told.contains(&uri) || self.is_lost() {
            return;
        }
        let name = if is_wanted { method::RESOURCES_SUBSCRIBE } else { method::RESOURCES_UNSUBSCRIBE };
        let params = format!("{{\"uri\":{}}}", text::quoted(&uri));
        if let Err(error) = self.ask(name, &params, PATIENCE).await {
            tracing::warn!(uri, error = error.message, "a subscription was not taken");
        }
        if is_wanted {
            told.insert(uri);
        } else {
            told.remove(&uri);
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let (conversation, uri) = (Arc::clone(&self.conversation), std::mem::take(&mut self.uri));
        conversation.subscriptions.leave(&uri);
        crate::tasks::spawn(conversation.settle(uri));
    }
}
