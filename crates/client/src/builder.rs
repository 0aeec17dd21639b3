//! How a client is to connect, and the first time that it does.

use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use protocol::Format;
use tokio::sync::{mpsc, oneshot};

use crate::greeting::Introduction;
use crate::lifecycle::{Lifecycle, Plan, Target};
use crate::link::Link;
use crate::shared::Shared;
use crate::tls::Files;
use crate::token::Token;
use crate::wire::Wire;
use crate::writer::QUEUED;
use crate::{Client, Error, Reconnect, mcp, tasks};

/// Describes a client; made by [`Client::builder`].
#[derive(Clone)]
#[must_use = "a builder connects only when `connect` is called"]
pub struct Builder {
    urls: Vec<String>,
    files: Files,
    token: Token,
    format: Format,
    introduction: Introduction,
    deflate: bool,
    must_sign: bool,
    max_message_size: usize,
    unread_limit: usize,
    connect_timeout: Duration,
    reconnect: Reconnect,
    /// How Model Context Protocol is spoken, where it is.
    speech: Option<mcp::Speech>,
}

impl Builder {
    pub(crate) fn new(url: String) -> Self {
        Self {
            urls: vec![url],
            files: Files::default(),
            token: Token::None,
            format: Format::Json,
            introduction: Introduction {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            deflate: false,
            must_sign: false,
            max_message_size: 64 << 20,
            unread_limit: 64 << 20,
            connect_timeout: Duration::from_secs(10),
            reconnect: Reconnect::default(),
            speech: None,
        }
    }

    /// Another way to the same platform, such as another pod: when a connection is lost, or can't be made, the next of them
    /// is tried.
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.urls.push(url.into());
        self
    }

    /// The token that says who is calling, sent as `Authorization: Bearer`. None by default.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Token::fixed(token.into());
        self
    }

    /// The authorities, as PEM, by which a gateway at `wss://` has to prove who it is, in place of the system's.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.authorities = Some(path.into());
        self
    }

    /// The certificate that a gateway at `wss://` is shown if it asks for one: a chain and its key, as PEM.
    pub fn certificate(mut self, cert_file: impl Into<PathBuf>, key_file: impl Into<PathBuf>) -> Self {
        self.files.certificate = Some((cert_file.into(), key_file.into()));
        self
    }

    /// Where tokens come from, in place of one token: asked before each connection, and again when four fifths of the
    /// life of a token are over, if it is a JWT that tells its end. A failure counts as a failed attempt to connect.
    pub fn token_source<F, E>(mut self, source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: fmt::Display,
    {
        self.token = Token::source(source);
        self
    }

    /// How messages are written down; JSON text by default.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The name under which the client introduces itself; `client` by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.introduction.name = name.into();
        self
    }

    /// The version under which the client introduces itself; this library's by default.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.introduction.version = version.into();
        self
    }

    /// Whether the gateway may compress large answers in JSON too; off by default. In binary it always may.
    pub fn compression(mut self, deflate: bool) -> Self {
        self.deflate = deflate;
        self
    }

    /// Whether to go on only where the gateway gives a key to sign messages with; off by default. Where it gives one,
    /// they are signed anyway. Without one [`Builder::connect`] fails with [`Error::Protocol`].
    pub fn require_signing(mut self, required: bool) -> Self {
        self.must_sign = required;
        self
    }

    /// The largest message that is accepted, in bytes, after inflation too; 64 MiB by default. A larger one closes the
    /// connection with 1009.
    pub fn max_message_size(mut self, bytes: usize) -> Self {
        self.max_message_size = bytes;
        self
    }

    /// How many bytes may wait unread for one call's stream, one stream of notifications or one subscription; 64 MiB by
    /// default.
    pub fn unread_limit(mut self, bytes: usize) -> Self {
        self.unread_limit = bytes;
        self
    }

    /// How long dialling, upgrade and `initialize` may take together, each time; 10 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How the client comes back after it has lost its connection; by default it tries for ever.
    pub fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Speaks Model Context Protocol in place of `mcp.v1`. [`Builder::format`] and [`Builder::compression`] mean nothing
    /// there, and [`Builder::require_signing`] can't be had.
    pub fn mcp(self) -> mcp::Builder {
        mcp::Builder::new(self)
    }

    pub(crate) fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    pub(crate) fn speaking(mut self, speech: mcp::Speech) -> Self {
        self.speech = Some(speech);
        self
    }

    /// Dials, upgrades and opens a session.
    ///
    /// Has to be called in a tokio runtime with I/O and time, which then runs the client. Dropping the future gives up
    /// the attempt.
    ///
    /// # Errors
    /// [`Error::Connect`], [`Error::Refused`] for a status other than 101, [`Error::Timeout`], [`Error::Token`], and
    /// whatever `initialize` is answered with. Each endpoint is tried once: [`Builder::reconnect`] counts from the first
    /// session on.
    pub async fn connect(self) -> Result<Client, Error> {
        let targets = self.urls.iter().map(|url| Target::new(url, &self.files)).collect::<Result<_, _>>()?;
        let wire = match self.speech {
            Some(speech) => Wire::speaking(speech),
            None => Wire::new(self.format, self.deflate, self.max_message_size),
        };
        let reconnects = !self.reconnect.is_never();
        let shared =
            Arc::new(Shared::new(wire, self.token.detached(), self.unread_limit, reconnects, self.must_sign));
        let (queue, parcels) = mpsc::channel(QUEUED);
        let (opened, first) = oneshot::channel();
        let plan = Plan {
            targets,
            introduction: self.introduction,
            max_message_size: self.max_message_size,
            connect_timeout: self.connect_timeout,
            reconnect: self.reconnect,
        };
        // From here on a dropped future ends the task.
        let link = Arc::new(Link { shared: Arc::clone(&shared), queue });
        tasks::start(Lifecycle::new(plan, shared, parcels, opened).run());
        first.await.unwrap_or_else(|_| Err(link.shared.reason()))?;
        Ok(Client::new(link))
    }
}

impl fmt::Debug for Builder {
    /// Shows everything but the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Builder")
            .field("urls", &self.urls)
            .field("token", &self.token)
            .field("format", &self.format)
            .field("introduction", &self.introduction)
            .field("reconnect", &self.reconnect)
            .finish_non_exhaustive()
    }
}
