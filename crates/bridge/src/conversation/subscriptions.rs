//! Subscriptions to resources at a legacy server: one for each URI, however many callers want it.
use crate::conversation::Conversation;
use mcp::{method, text};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How many want each resource.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<String, usize>>);

impl Subscriptions {
    /// Whether this is the first that wants it.
    fn enter(&self, uri: &str) -> bool {
        let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = wanted.entry(uri.to_owned()).or_default();
        *count += 1;
        *count == 1
    }

    /// Whether nobody wants it any more.
    fn leave(&self, uri: &str) -> bool {
        let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match wanted.get_mut(uri) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => wanted.remove(uri).is_some(),
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
    pub(crate) async fn subscribe(self: &Arc<Self>, uri: &str, patience: Duration) -> Subscription {
        let subscription = Subscription { conversation: Arc::clone(self), uri: uri.to_owned() };
        if self.subscriptions.enter(uri) {
            self.change(method::RESOURCES_SUBSCRIBE, uri, patience).await;
        }
        subscription
    }

    async fn change(self: &Arc<Self>, name: &str, uri: &str, patience: Duration) {
        let params = format!("{{\"uri\":{}}}", text::quoted(uri));
        if let Err(error) = self.ask(name, &params, patience).await {
            tracing::warn!(uri, error = error.message, "a subscription was not taken");
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.conversation.subscriptions.leave(&self.uri) && !self.conversation.is_lost() {
            let (conversation, uri) = (Arc::clone(&self.conversation), std::mem::take(&mut self.uri));
            crate::tasks::spawn(async move {
                conversation.change(method::RESOURCES_UNSUBSCRIBE, &uri, Duration::from_secs(10)).await;
            });
        }
    }
}
