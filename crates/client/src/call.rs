//! The handle of one running call: its updates, its outcome, its cancel.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use protocol::ErrorCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::inbox::Inbox;
use crate::link::Link;
use crate::{Error, Request, Update};

/// So much longer than the caller's timeout is waited, for the gateway's own word about it to arrive.
const GRACE: Duration = Duration::from_secs(1);

/// A call that was started: a stream of its [`Update`]s and, by `.await` or [`Call::result`], its result.
///
/// It outlives the connection that it was sent on: the client sends it again with the same id, and the gateway, which
/// executes no id twice, answers with what the call came to. Where it cannot know that, the call ends with error 4006.
///
/// Dropping the handle before the result is there cancels the call. A handle that is neither read nor dropped holds
/// back nothing: progress that is not read in time gives way to newer progress, and parts of a streamed result are
/// kept up to the client's limit of unread bytes, over which the call is cancelled and ends with [`Error::Lagged`].
pub struct Call {
    link: Arc<Link>,
    id: u64,
    inbox: Arc<Inbox>,
    deadline: Option<Deadline>,
}

struct Deadline {
    timeout: Duration,
    sleep: Pin<Box<Sleep>>,
}

impl Call {
    pub(crate) fn new(
        link: Arc<Link>,
        id: u64,
        inbox: Arc<Inbox>,
        deadline: Option<(Duration, Instant)>,
    ) -> Self {
        let deadline = deadline.and_then(|(timeout, from)| {
            let at = from.checked_add(timeout)?.checked_add(GRACE)?;
            Some(Deadline { timeout, sleep: Box::pin(sleep_until(at)) })
        });
        Self { link, id, inbox, deadline }
    }

    /// The request's id, as logs of the gateway show it. It stays the same on every connection of the client.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The next update; `None` once the outcome is there. Cancel safe.
    pub async fn next(&mut self) -> Option<Update> {
        poll_fn(|context| self.poll_update(context)).await
    }

    /// The result as JSON. Updates that were not read are thrown away.
    ///
    /// Dropping the future before it is done cancels the call.
    ///
    /// # Errors
    /// [`Error::Rpc`] as the gateway answered, [`Error::Timeout`] for a call with a timeout, [`Error::Lagged`] if the
    /// updates overflowed, and the reason for which the connection ended if it did.
    pub async fn result(mut self) -> Result<Box<RawValue>, Error> {
        self.inbox.ignore_updates();
        poll_fn(|context| {
            self.poll_deadline(context);
            self.inbox.poll_outcome(context)
        })
        .await
    }

    /// Asks the gateway to cancel the call: `true` if it was running, `false` if it had ended already. The call itself
    /// then ends with error 4008, or with its result where that was faster.
    ///
    /// # Errors
    /// As for any request. Cancel safe: a dropped future has sent the request or has not.
    pub async fn cancel(&self) -> Result<bool, Error> {
        #[derive(Deserialize)]
        struct Answer {
            cancelled: bool,
        }
        if self.link.shared.wire.mcp.is_some() {
            let ran = !self.inbox.is_settled();
            self.abandon(Error::Rpc {
                code: ErrorCode::Cancelled.as_u16(),
                message: "cancelled by the caller".to_owned(),
                details: None,
            });
            return Ok(ran);
        }
        let request = Request::new("tool.cancel", serde_json::json!({ "id": self.id }))?;
        let cancel = self.link.start(request).await?;
        self.link.shared.calls.cancelling(self.id);
        let answer = cancel.result().await?;
        let answer: Answer = serde_json::from_str(answer.get()).map_err(|error| {
            Error::Protocol(format!("the answer to tool.cancel is not understood: {error}"))
        })?;
        Ok(answer.cancelled)
    }

    fn poll_update(&mut self, context: &mut Context<'_>) -> Poll<Option<Update>> {
        self.poll_deadline(context);
        self.inbox.poll_update(context)
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) {
        let Some(deadline) = &mut self.deadline else { return };
        if deadline.sleep.as_mut().poll(context).is_ready() {
            let timeout = deadline.timeout;
            self.deadline = None;
            self.abandon(Error::Timeout(timeout));
        }
    }

    /// Ends the call on this side, and asks for its end on the other.
    fn abandon(&self, error: Error) {
        if !self.inbox.is_settled() {
            self.link.shared.abandon(self.id);
            self.inbox.settle(Err(error));
        }
    }
}

impl Stream for Call {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Update>> {
        self.poll_update(context)
    }
}

impl IntoFuture for Call {
    type Output = Result<Box<RawValue>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.result())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.abandon(Error::abnormal("the handle was dropped"));
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Call").field("id", &self.id).finish_non_exhaustive()
    }
}
