//! How messages come to a server.
pub(crate) mod child;
pub(crate) mod http;
pub(crate) mod stdio;

use crate::conversation::Conversation;
use crate::tasks::Owned;
use http::Http;
use std::sync::{Arc, Weak};
use stdio::Stdio;

/// The way to one server.
pub(crate) enum Link {
    /// The pipes of a child.
    Stdio(Stdio),
    /// An endpoint.
    Http(Arc<Http>),
}

impl Link {
    /// Sends a request. Where its answer has a stream of its own, the task that reads it is returned.
    pub(crate) async fn request(
        &self,
        to: &Arc<Conversation>,
        id: u64,
        method: &str,
        params: &str,
        text: String,
    ) -> Option<Owned> {
        match self {
            Self::Stdio(stdio) => {
                stdio.send(text).await;
                None
            }
            Self::Http(http) => {
                let headers = http.headers(to, method, params);
                let exchange = Arc::clone(http).exchange(Arc::downgrade(to), headers, id, text);
                Some(Owned::spawn(exchange))
            }
        }
    }

    /// Sends an answer, which the server waits for.
    pub(crate) async fn answer(&self, to: &Arc<Conversation>, text: String) {
        match self {
            Self::Stdio(stdio) => stdio.send(text).await,
            Self::Http(_) => self.tell(to, text),
        }
    }

    /// Sends what has no answer, and does not wait for it.
    pub(crate) fn tell(&self, to: &Arc<Conversation>, text: String) {
        match self {
            Self::Stdio(stdio) => stdio.tell(text),
            Self::Http(http) => {
                let (http, headers) = (Arc::clone(http), http.headers(to, "", ""));
                crate::tasks::spawn(async move { http.post(headers, text).await });
            }
        }
    }

    /// Listens to what belongs to no request, where that takes a request of its own.
    pub(crate) fn listen(&self, to: &Arc<Conversation>) -> Option<Owned> {
        match self {
            Self::Stdio(_) => None,
            Self::Http(http) => {
                let to: Weak<Conversation> = Arc::downgrade(to);
                Some(Owned::spawn(Arc::clone(http).listen(to)))
            }
        }
    }
}
