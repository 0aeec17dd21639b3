//! What a client of this protocol says of itself, beside how it connects.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use mcp::Version;
use serde::Serialize;
use serde_json::json;

use super::asking::Handler;
use super::{Asked, Client, Refusal, Speech};
use crate::Error;

/// Describes a client of Model Context Protocol; made by [`client::Builder::mcp`](crate::Builder::mcp).
#[must_use = "a builder connects only when `connect` is called"]
pub struct Builder {
    base: crate::Builder,
    version: Version,
    capabilities: Result<String, Error>,
    heartbeat: Duration,
    handler: Option<Handler>,
}

impl Builder {
    pub(crate) fn new(base: crate::Builder) -> Self {
        Self {
            base,
            version: Version::LATEST_LEGACY,
            capabilities: Ok("{}".to_owned()),
            heartbeat: Duration::from_secs(10),
            handler: None,
        }
    }

    /// Speaks version 2026-07-28, in which each request stands for itself, in place of 2025-11-25 with a session.
    pub fn modern(mut self) -> Self {
        self.version = Version::LATEST;
        self
    }

    /// What the client can be asked for, as the protocol's `ClientCapabilities`; nothing by default.
    pub fn capabilities(mut self, capabilities: impl Serialize) -> Self {
        self.capabilities =
            serde_json::to_string(&capabilities).map_err(|error| Error::Unsendable(error.to_string()));
        self
    }

    /// Who answers what servers ask, by objects: sampling, elicitation, roots. Without it all is refused; in the modern era,
    /// where a question is a call's result, the caller gets it, and so it does after a hundred rounds of one call.
    ///
    /// It runs in the client's own task, so that it must not block, and is dropped with the connection that asked: on the
    /// next the same may be asked again.
    pub fn on_request<F, R>(mut self, handler: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, Refusal>> + Send + 'static,
        R: Serialize,
    {
        self.handler = Some(Handler::new(handler));
        self
    }

    /// After how long a silence the gateway is pinged; after three of them it counts as gone. 10 seconds by default, and
    /// zero for never.
    pub fn heartbeat(mut self, period: Duration) -> Self {
        self.heartbeat = period;
        self
    }

    /// Dials, upgrades, and opens a session or, in the modern era, asks what there is.
    ///
    /// Has to be called in a tokio runtime with I/O and time, which then runs the client. Dropping the future gives up
    /// the attempt.
    ///
    /// # Errors
    /// As for [`client::Builder::connect`](crate::Builder::connect).
    pub async fn connect(self) -> Result<Client, Error> {
        let introduction = self.base.introduction();
        let info = json!({ "name": introduction.name, "version": introduction.version });
        let speech = Speech {
            version: self.version,
            info: info.to_string(),
            capabilities: self.capabilities?,
            heartbeat: self.heartbeat,
            handler: self.handler,
        };
        self.base.speaking(speech).connect().await.map(Client::new)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("base", &self.base)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
