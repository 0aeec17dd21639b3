//! What `initialize` answered: facts about the session, not its state.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::Error;
use crate::event::Position;
use crate::signer::Key;
use crate::ticket::Ticket;

/// The session that a connection opened, or resumed.
#[derive(Clone)]
pub struct Session {
    /// The session's id, for logs and support; empty where there is none.
    pub session_id: String,
    /// Whether the session outlives its connection.
    pub resumable: bool,
    /// Whether an earlier session was continued.
    pub resumed: bool,
    /// Whether its events go on where they had come to.
    pub recovered: bool,
    /// How long the session waits for its client; `None` if it does not.
    pub resume_window: Option<Duration>,
    /// Who answered.
    pub server: Server,
    /// How often the gateway looks after an idle connection; `None` if it does not say. In Model Context Protocol what
    /// [`mcp::Builder::heartbeat`](crate::mcp::Builder::heartbeat) said.
    pub heartbeat: Option<Duration>,
    /// The bounds for this connection, a JSON object.
    pub limits: serde_json::Map<String, Value>,
    /// Whether the gateway gave a key for this connection, so that all requests on it are signed.
    pub signed: bool,
    /// The whole answer as it came, the resume token and the key for signatures too: nothing for logs.
    pub raw: Box<RawValue>,
}

/// Name and version of a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// For instance `mcpw`.
    #[serde(default)]
    pub name: String,
    /// For instance `0.1.0`.
    #[serde(default)]
    pub version: String,
}

/// The answer to `initialize`, all of it.
pub(crate) struct Welcome {
    pub(crate) session: Session,
    pub(crate) ticket: Option<Ticket>,
    /// What is subscribed already.
    pub(crate) subscriptions: Vec<String>,
    /// Where the replay begins, if there is one.
    pub(crate) position: Option<Position>,
    /// Requests that the gateway knows nothing of.
    pub(crate) resend: Vec<u64>,
    /// With which messages are signed on this connection.
    pub(crate) key: Option<Key>,
}

#[derive(Deserialize)]
struct Answer {
    session_id: String,
    #[serde(default)]
    resumable: bool,
    #[serde(default)]
    resumed: bool,
    #[serde(default)]
    recovered: bool,
    #[serde(default)]
    resume_token: Option<String>,
    #[serde(default)]
    resume_window_ms: Option<u64>,
    #[serde(default)]
    server: Server,
    #[serde(default)]
    heartbeat_ms: Option<u64>,
    #[serde(default)]
    limits: serde_json::Map<String, Value>,
    #[serde(default)]
    log_epoch: Option<String>,
    #[serde(default)]
    last_offset: Option<u64>,
    #[serde(default)]
    subscriptions: Option<Vec<String>>,
    #[serde(default)]
    resend: Option<Vec<Value>>,
    #[serde(default)]
    signing: Option<Key>,
}

impl Welcome {
    pub(crate) fn from_answer(raw: &RawValue) -> Result<Self, Error> {
        let answer: Answer = serde_json::from_str(raw.get()).map_err(|error| {
            Error::Protocol(format!("the answer to initialize is not understood: {error}"))
        })?;
        let session_id = answer.session_id;
        let resume_token = answer.resume_token.filter(|_| answer.resumable);
        let ticket = resume_token.map(|resume_token| Ticket::new(session_id.clone(), resume_token));
        let session = Session {
            session_id,
            resumable: answer.resumable,
            resumed: answer.resumed,
            recovered: answer.recovered,
            resume_window: milliseconds(answer.resume_window_ms),
            server: answer.server,
            heartbeat: milliseconds(answer.heartbeat_ms),
            limits: answer.limits,
            signed: answer.signing.is_some(),
            raw: raw.to_owned(),
        };
        Ok(Self {
            session,
            ticket,
            subscriptions: answer.subscriptions.unwrap_or_default(),
            position: answer
                .log_epoch
                .zip(answer.last_offset)
                .map(|(log_epoch, last_offset)| Position { log_epoch, last_offset }),
            // Ids that this client cannot have written are nobody's.
            resend: answer.resend.unwrap_or_default().iter().filter_map(Value::as_u64).collect(),
            key: answer.signing,
        })
    }
}

impl Session {
    /// What stands for the session before the first is open; no caller has a client then.
    pub(crate) fn unopened() -> Self {
        Self {
            session_id: String::new(),
            resumable: false,
            resumed: false,
            recovered: false,
            resume_window: None,
            server: Server::default(),
            heartbeat: None,
            limits: serde_json::Map::new(),
            signed: false,
            raw: RawValue::NULL.to_owned(),
        }
    }

    /// How many bytes a signature adds to a message at most.
    pub(crate) const fn overhead(&self) -> usize {
        if self.signed { protocol::signed::OVERHEAD } else { 0 }
    }

    /// A limit that is a whole number, by its name.
    pub(crate) fn limit(&self, name: &str) -> Option<usize> {
        self.limits.get(name).and_then(Value::as_u64).and_then(|limit| usize::try_from(limit).ok())
    }
}

impl fmt::Debug for Session {
    /// Shows everything but the raw answer.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Session")
            .field("session_id", &self.session_id)
            .field("resumable", &self.resumable)
            .field("resumed", &self.resumed)
            .field("recovered", &self.recovered)
            .field("resume_window", &self.resume_window)
            .field("server", &self.server)
            .field("heartbeat", &self.heartbeat)
            .field("limits", &self.limits)
            .field("signed", &self.signed)
            .finish_non_exhaustive()
    }
}

/// Zero stands for "not at all".
fn milliseconds(value: Option<u64>) -> Option<Duration> {
    value.filter(|&ms| ms > 0).map(Duration::from_millis)
}
