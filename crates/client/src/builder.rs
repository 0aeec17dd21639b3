//! How a connection is to be made, and the making of it: dial, upgrade, initialize.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use protocol::Format;
use serde_json::json;
use tokio::sync::mpsc;

use crate::endpoint::Endpoint;
use crate::link::Link;
use crate::shared::Shared;
use crate::wire::Wire;
use crate::writer::QUEUED;
use crate::{Client, Error, Request, Session, connection, handshake, tasks};

/// Describes a connection; made by [`Client::builder`].
#[derive(Clone)]
#[must_use = "a builder connects only when `connect` is called"]
pub struct Builder {
    url: String,
    token: Option<String>,
    format: Format,
    name: String,
    version: String,
    deflate: bool,
    max_message_size: usize,
    unread_limit: usize,
    connect_timeout: Duration,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            token: None,
            format: Format::Json,
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            deflate: false,
            max_message_size: 64 << 20,
            unread_limit: 64 << 20,
            connect_timeout: Duration::from_secs(10),
        }
    }

    /// The token that says who is calling, sent as `Authorization: Bearer`. None by default.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// How messages are written down; JSON text by default.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The name under which the client introduces itself; `client` by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The version under which the client introduces itself; this library's by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Whether the gateway may compress large answers in JSON too; off by default. In binary it always may.
    pub fn compression(mut self, deflate: bool) -> Self {
        self.deflate = deflate;
        self
    }

    /// The largest message that is accepted, in bytes, after inflation too; 64 MiB by default. A larger one closes the
    /// connection with 1009.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How many bytes may wait unread for one call's stream or one stream of notifications; 64 MiB by default.
    pub fn unread_limit(mut self, bytes: usize) -> Self {
        self.unread_limit = bytes;
        self
    }

    /// How long dialling, upgrade and `initialize` may take together; 10 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Dials, upgrades and opens a session.
    ///
    /// Has to be called in a tokio runtime with I/O and time, which then runs the connection. Dropping the future gives
    /// up the attempt.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Refused`] for a status other than 101, [`Error::Timeout`], and whatever `initialize`
    /// is answered with.
    pub async fn connect(self) -> Result<Client, Error> {
        let endpoint = Endpoint::parse(&self.url)?;
        tokio::time::timeout(self.connect_timeout, self.open(&endpoint))
            .await
            .unwrap_or(Err(Error::Timeout(self.connect_timeout)))
    }

    async fn open(&self, endpoint: &Endpoint) -> Result<Client, Error> {
        let upgraded = handshake::upgrade(endpoint, self.token.as_deref(), self.format).await?;
        let shared = Arc::new(Shared::new(Wire::new(self.format, self.deflate, self.max_message_size)));
        let (queue, messages) = mpsc::channel(QUEUED);
        tasks::start(connection::run(upgraded, messages, Arc::clone(&shared), self.max_message_size));
        let link =
            Arc::new(Link { shared, queue, sendable: OnceLock::new(), unread_limit: self.unread_limit });
        let session = self.initialize(&link).await?;
        if let Some(period) = session.heartbeat {
            link.shared.pulse.expect_every(period);
        }
        if let Some(limit) = session.limit("max_message_size") {
            let _ = link.sendable.set(limit);
        }
        Ok(Client::new(link, session))
    }

    async fn initialize(&self, link: &Arc<Link>) -> Result<Session, Error> {
        let mut params = json!({ "client": { "name": self.name, "version": self.version } });
        if self.deflate {
            params["compression"] = json!(["deflate"]);
        }
        let call = link.start(&Request::new("initialize", params)?).await?;
        Session::from_answer(call.result().await?)
    }
}

impl fmt::Debug for Builder {
    /// Shows everything but the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("url", &self.url)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("format", &self.format)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
