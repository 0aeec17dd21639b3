//! A client as callers hold it. Every method is a message or two; what happens to them is the lifecycle's affair.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::link::Link;
use crate::notification::Feed;
use crate::publish::{Publication, Published};
use crate::queue::Queue;
use crate::renewal::Refreshed;
use crate::{Builder, Call, Error, Notifications, Request, Session, States, Subscription};

/// So long the gateway has to end the session before the connection is closed anyway.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A client of a gateway, connected over and over again. Clones are cheap and share it.
///
/// When its connection is lost the client makes another, as its [`Reconnect`](crate::Reconnect) says, and resumes its
/// session there. Requests wait meanwhile; those without an answer are sent again with the same ids, and the gateway
/// executes none twice. Subscriptions go on where they were.
///
/// The client ends when the last clone and the last handle made by one are gone, at [`Client::close`], and for what
/// would happen again on every connection, such as a token that is refused or a session that was taken over. Then every
/// request fails with the reason; there is no way back.
#[derive(Clone)]
pub struct Client {
    link: Arc<Link>,
}

impl Client {
    /// Begins to describe a client of the gateway at `url`, such as `ws://127.0.0.1:8080/ws`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// Sends a request and waits for its result, as JSON. Dropping the future cancels the request.
    ///
    /// # Errors
    /// [`Error::Rpc`] as the gateway answered, [`Error::Unsendable`] before anything is sent, and the reason for which
    /// the client ended if it did. [`ErrorCode::OutcomeUnknown`](protocol::ErrorCode::OutcomeUnknown) is the honest answer
    /// where a connection was lost and nobody knows whether the request was executed.
    pub async fn request(
        &self,
        method: impl Into<String>,
        params: impl Serialize,
    ) -> Result<Box<RawValue>, Error> {
        self.call(method, params).await?.result().await
    }

    /// Sends a request and returns its handle at once. Requests start at the gateway in the order of these returns.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    /// As for [`Client::request`], but for what the gateway answers: that is the handle's to tell.
    pub async fn call(&self, method: impl Into<String>, params: impl Serialize) -> Result<Call, Error> {
        self.start(Request::new(method, params)?).await
    }

    /// As [`Client::call`], for a request with a timeout or a trace context.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn start(&self, request: Request) -> Result<Call, Error> {
        self.link.start(request).await
    }

    /// Sends several requests in one frame and waits for all of them. The results stand in the order of the requests.
    ///
    /// If one of them cannot be sent, none is. Dropping the future cancels all.
    pub async fn batch<M: Into<String>, P: Serialize>(
        &self,
        requests: Vec<(M, P)>,
    ) -> Vec<Result<Box<RawValue>, Error>> {
        let count = requests.len();
        let calls = match self.start_batch(requests).await {
            Ok(calls) => calls,
            Err(error) => return vec![Err(error); count],
        };
        let mut results = Vec::with_capacity(count);
        for call in calls {
            results.push(call.result().await);
        }
        results
    }

    /// Sends a notification; there is no answer, an error neither. One that a connection took with it is lost.
    ///
    /// # Errors
    /// [`Error::Unsendable`], or the reason for which the client ended. Cancel safe.
    pub async fn notify(&self, method: impl Into<String>, params: impl Serialize) -> Result<(), Error> {
        self.link.notify(Request::new(method, params)?).await
    }

    /// A stream of what the gateway sends on its own accord, from now on. Each stream sees everything.
    pub fn notifications(&self) -> Notifications {
        let feed = Arc::new(Feed::new(self.link.shared.unread_limit));
        self.link.shared.listen(&feed);
        Notifications::new(feed, Arc::clone(&self.link))
    }

    /// Subscribes to events by their names, by prefixes such as `tool.*`, or to all by `*`. Returns when the gateway has
    /// confirmed it: what is published from now on comes.
    ///
    /// Dropping the future takes the subscription back.
    ///
    /// # Errors
    /// As for [`Client::request`].
    pub async fn subscribe<N: Into<String>>(
        &self,
        names: impl IntoIterator<Item = N>,
    ) -> Result<Subscription, Error> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        let request = Request::new("event.subscribe", json!({ "names": names }))?;
        let queue = Arc::new(Queue::new(names, self.link.shared.unread_limit));
        // Made before the request, so that it takes everything back wherever this ends.
        let subscription = Subscription::new(Arc::clone(&queue), Arc::clone(&self.link));
        self.link.subscribe(&queue, request)?.result().await?;
        Ok(subscription)
    }

    /// Publishes an event and returns where it stands in the log. It is published once, over however many connections
    /// that takes.
    ///
    /// Dropping the future leaves open whether it is published.
    ///
    /// # Errors
    /// As for [`Client::request`]; 4009 where the log cannot be written at the moment.
    pub async fn publish(&self, name: &str, data: impl Serialize) -> Result<Published, Error> {
        self.publish_keyed(&uuid::Uuid::now_v7().to_string(), name, data).await
    }

    /// As [`Client::publish`], with a key of the caller's: for ten minutes the gateway takes events of the same key for
    /// one. So a caller may publish again after an error.
    ///
    /// # Errors
    /// As for [`Client::publish`].
    pub async fn publish_keyed(
        &self,
        key: &str,
        name: &str,
        data: impl Serialize,
    ) -> Result<Published, Error> {
        let answer = self.request("event.publish", Publication { name, data, key }).await?;
        Published::from_answer(answer.get())
    }

    /// What the gateway said about the session on the newest connection.
    pub fn session(&self) -> Arc<Session> {
        self.link.shared.session()
    }

    /// Whether there is a connection, now and from now on.
    pub fn states(&self) -> States {
        States::new(self.link.shared.state.subscribe())
    }

    /// Brings a fresh token for the connection before the old one expires, and for those that follow. Returns when the
    /// new one does, in seconds of Unix time; `None` for never. Nothing to do with a
    /// [`Builder::token_source`](crate::Builder::token_source), which is asked by itself.
    ///
    /// # Errors
    /// [`Error::Rpc`] with 4001 for a token that is not accepted; the connection goes on with the old one. Otherwise as
    /// for [`Client::request`].
    pub async fn refresh(&self, token: &str) -> Result<Option<u64>, Error> {
        let answer = self.request("session.refresh", json!({ "token": token })).await?;
        let refreshed = Refreshed::from_answer(answer.get())?;
        self.link.shared.token.replace(token);
        Ok(refreshed.expires_at)
    }

    /// Sends a ping of the message format and returns how long its pong took.
    ///
    /// # Errors
    /// The reason for which the client ended if it did.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let sent = Instant::now();
        self.link.ping().await?.result().await?;
        Ok(sent.elapsed())
    }

    /// Ends the session, closes the connection with 1000 and waits until it has ended, at most some seconds. Calls that
    /// still run fail.
    pub async fn close(&self) {
        if let Some(answer) = self.link.shared.part() {
            // The gateway closes after its answer; one that says nothing is left.
            let _ = tokio::time::timeout(CLOSE_WAIT, answer.outcome()).await;
        }
        self.link.shared.quit();
        self.closed().await;
    }

    /// Waits until the client has ended and says why. Cancel safe.
    pub async fn closed(&self) -> Error {
        self.link.shared.ended.wait().await.clone()
    }

    async fn start_batch<M: Into<String>, P: Serialize>(
        &self,
        requests: Vec<(M, P)>,
    ) -> Result<Vec<Call>, Error> {
        let requests = requests
            .into_iter()
            .map(|(method, params)| Request::new(method, params))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(limit) = self.session().limit("message_batch_size")
            && requests.len() > limit
        {
            let reason = format!("{} requests in a batch, and the gateway takes {limit}", requests.len());
            return Err(Error::Unsendable(reason));
        }
        self.link.start_batch(requests).await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("session", &self.session().session_id).finish_non_exhaustive()
    }
}
