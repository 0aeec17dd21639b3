//! A client of this protocol as callers hold it. What it does to a message is the speech's affair, what happens on
//! connections the lifecycle's.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Call, Error, Notifications, Request, Session, States};

/// A client of Model Context Protocol, connected over and over again. Clones are cheap and share it.
///
/// When its connection is lost the client makes another, to the next of its endpoints, and sends what was not answered once
/// more. With a session (2025-11-25) it resumes that by `mcpw/resume`, and in the modern era each `tools/call` has an
/// `mcpw/idempotencyKey` (one of the caller's stays): either way a call goes on without its connection, is executed once, and
/// its result is found at whichever pod. Where nobody knows that, it ends with error 4006.
///
/// Errors are [`Error::Rpc`] with the gateway's own codes, and [`Error::JsonRpc`] with those of the protocol and of servers.
#[derive(Clone)]
pub struct Client {
    inner: crate::Client,
}

impl Client {
    pub(crate) fn new(inner: crate::Client) -> Self {
        Self { inner }
    }

    /// Sends a request and waits for its result, as JSON. Dropping the future cancels the request.
    ///
    /// # Errors
    /// As for [`client::Client::request`](crate::Client::request), and [`Error::JsonRpc`].
    pub async fn request(
        &self,
        method: impl Into<String>,
        params: impl Serialize,
    ) -> Result<Box<RawValue>, Error> {
        self.inner.request(method, params).await
    }

    /// Sends a request and returns its handle at once: a stream of its progress, and its result. Its
    /// [`Call::cancel`] and its drop send `notifications/cancelled`, after which no answer comes.
    ///
    /// The request's `progressToken` is the client's own, whatever `params` have.
    ///
    /// Cancel safe: a dropped future has sent nothing.
    ///
    /// # Errors
    /// [`Error::Unsendable`] for params that are no object, and the reason for which the client ended if it did.
    pub async fn call(&self, method: impl Into<String>, params: impl Serialize) -> Result<Call, Error> {
        self.inner.call(method, params).await
    }

    /// As [`Client::call`], for a request with a timeout or a trace context.
    ///
    /// # Errors
    /// As for [`Client::call`].
    pub async fn start(&self, request: Request) -> Result<Call, Error> {
        self.inner.start(request).await
    }

    /// Sends a notification. One that a connection took with it is lost.
    ///
    /// # Errors
    /// [`Error::Unsendable`] for params that are no object, or the reason for which the client ended. Cancel safe.
    pub async fn notify(&self, method: impl Into<String>, params: impl Serialize) -> Result<(), Error> {
        self.inner.notify(method, params).await
    }

    /// A stream of the server's notifications from now on, but for the progress of calls. Each stream sees everything.
    pub fn notifications(&self) -> Notifications {
        self.inner.notifications()
    }

    /// What the server said on the newest connection; [`Session::raw`] is its answer to `initialize` or `server/discover`.
    pub fn session(&self) -> Arc<Session> {
        self.inner.session()
    }

    /// Whether there is a connection, now and from now on.
    pub fn states(&self) -> States {
        self.inner.states()
    }

    /// Closes the connection with 1000, which ends a session, and waits until that is done, at most some seconds. Calls
    /// that still run fail.
    pub async fn close(&self) {
        self.inner.close().await;
    }

    /// Waits until the client has ended and says why. Cancel safe.
    pub async fn closed(&self) -> Error {
        self.inner.closed().await
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}
