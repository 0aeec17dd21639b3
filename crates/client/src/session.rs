//! What `initialize` answered: facts about the session, not its state.

use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Error;

/// The session that a connection opened.
#[derive(Clone, Debug)]
pub struct Session {
    /// The session's id, for logs and support.
    pub session_id: String,
    /// Whether the session outlives its connection.
    pub resumable: bool,
    /// Whether an earlier session was continued.
    pub resumed: bool,
    /// Who answered.
    pub server: Server,
    /// How often the gateway looks after an idle connection; `None` if it does not say.
    pub heartbeat: Option<Duration>,
    /// The bounds for this connection, a JSON object.
    pub limits: serde_json::Map<String, serde_json::Value>,
    /// The whole answer as it came.
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

#[derive(Deserialize)]
struct Answer {
    session_id: String,
    #[serde(default)]
    resumable: bool,
    #[serde(default)]
    resumed: bool,
    #[serde(default)]
    server: Server,
    #[serde(default)]
    heartbeat_ms: Option<u64>,
    #[serde(default)]
    limits: serde_json::Map<String, serde_json::Value>,
}

impl Session {
    pub(crate) fn from_answer(raw: Box<RawValue>) -> Result<Self, Error> {
        let answer: Answer = serde_json::from_str(raw.get()).map_err(|error| {
            Error::Protocol(format!("the answer to initialize is not understood: {error}"))
        })?;
        Ok(Self {
            session_id: answer.session_id,
            resumable: answer.resumable,
            resumed: answer.resumed,
            server: answer.server,
            heartbeat: answer.heartbeat_ms.filter(|&ms| ms > 0).map(Duration::from_millis),
            limits: answer.limits,
            raw,
        })
    }

    /// A limit that is a whole number, by its name.
    pub(crate) fn limit(&self, name: &str) -> Option<usize> {
        self.limits
            .get(name)
            .and_then(serde_json::Value::as_u64)
            .and_then(|limit| usize::try_from(limit).ok())
    }
}
