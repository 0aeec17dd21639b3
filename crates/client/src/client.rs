//! A connected client. Every method is a message or two; what happens to them is the connection's affair.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::CloseCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_json::value::RawValue;

use crate::link::Link;
use crate::notification::Feed;
use crate::{Builder, Call, Error, Notifications, Request, Session};

/// One connection to a gateway. Clones are cheap and share it.
///
/// The connection closes (1000) when the last clone and the last handle made by one are gone, or at
/// [`Client::close`]. Once it has ended every request fails with the reason; there is no way back.
#[derive(Clone)]
pub struct Client {
    link: Arc<Link>,
    session: Arc<Session>,
}

impl Client {
    /// Begins to describe a connection to the gateway at `url`, such as `ws://127.0.0.1:8080/ws`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url.into())
    }

    pub(crate) fn new(link: Arc<Link>, session: Session) -> Self {
        Self { link, session: Arc::new(session) }
    }

    /// Sends a request and waits for its result, as JSON. Dropping the future cancels the request.
    ///
    /// # Errors
    /// [`Error::Rpc`] as the gateway answered, [`Error::Unsendable`] before anything is sent, and the reason for which
    /// the connection ended if it did.
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
        self.link.start(&request).await
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

    /// Sends a notification; there is no answer, an error neither.
    ///
    /// # Errors
    /// [`Error::Unsendable`], or the reason for which the connection ended. Cancel safe.
    pub async fn notify(&self, method: impl Into<String>, params: impl Serialize) -> Result<(), Error> {
        self.link.notify(&Request::new(method, params)?).await
    }

    /// A stream of what the gateway sends on its own accord, from now on. Each stream sees everything.
    pub fn notifications(&self) -> Notifications {
        let feed = Arc::new(Feed::new(self.link.unread_limit));
        self.link.shared.listen(&feed);
        Notifications::new(feed, Arc::clone(&self.link))
    }

    /// What the gateway said about the session when it was opened.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Brings a fresh token for the connection before the old one expires. Returns when the new one does, in seconds of
    /// Unix time; `None` for never.
    ///
    /// # Errors
    /// [`Error::Rpc`] with 4001 for a token that is not accepted; the connection goes on with the old one. Otherwise as
    /// for [`Client::request`].
    pub async fn refresh(&self, token: &str) -> Result<Option<u64>, Error> {
        #[derive(Deserialize)]
        struct Answer {
            expires_at: Option<u64>,
        }
        let answer = self.request("session.refresh", json!({ "token": token })).await?;
        let answer: Answer = serde_json::from_str(answer.get()).map_err(|error| {
            Error::Protocol(format!("the answer to session.refresh is not understood: {error}"))
        })?;
        Ok(answer.expires_at)
    }

    /// Sends a ping of the message format and returns how long its pong took.
    ///
    /// # Errors
    /// The reason for which the connection ended if it did.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let sent = Instant::now();
        self.link.ping().await?.result().await?;
        Ok(sent.elapsed())
    }

    /// Closes the connection with 1000 and waits until it has ended, at most some seconds. Calls that still run fail.
    pub async fn close(&self) {
        self.link.shared.control.close(CloseCode::Normal.as_u16(), "");
        self.closed().await;
    }

    /// Waits until the connection has ended and says why: [`Error::Closed`] or [`Error::Protocol`]. Cancel safe.
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
        if let Some(limit) = self.session.limit("message_batch_size")
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
        formatter.debug_struct("Client").field("session", &self.session.session_id).finish_non_exhaustive()
    }
}
