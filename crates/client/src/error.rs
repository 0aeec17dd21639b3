//! What can go wrong between a caller and a gateway, told apart by whose doing it was.

use std::time::Duration;

use protocol::ErrorCode;
use serde_json::value::RawValue;

/// Why a connection was not made, or a request was not answered with a result.
///
/// Cloned to every request that an ended client leaves unanswered.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection came about: the URL is not one to dial, the name does not resolve, nobody listens, or what
    /// listens does not speak WebSocket.
    #[error("cannot connect to {url}: {reason}")]
    Connect {
        /// The URL as it was given.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The gateway answered the upgrade with a status other than 101.
    #[error("the gateway refused the connection with HTTP {status}: {reason}")]
    Refused {
        /// The HTTP status, 401 where the token is missing, wrong or expired.
        status: u16,
        /// The header `WWW-Authenticate`, if there was one.
        challenge: Option<String>,
        /// The answer's body, its member `error` if it is a JSON object with one, or the name of the status where the body
        /// is empty.
        reason: String,
    },
    /// The connection has ended and the client with it, so no answer can come any more.
    #[error("the connection is closed: {code}{}{reason}", if reason.is_empty() { "" } else { " " })]
    Closed {
        /// The code of the close frame; 1006 where the connection ended without one.
        code: u16,
        /// The reason in the close frame, possibly empty.
        reason: String,
    },
    /// The gateway or a backend answered with an error.
    #[error("error {code}: {message}")]
    Rpc {
        /// One of the 4000s of [`ErrorCode`], or a code of a newer gateway.
        code: u16,
        /// What was wrong and what would be right.
        message: String,
        /// More about it as JSON, for instance `{"retry_after_ms":1200}`.
        details: Option<Box<RawValue>>,
    },
    /// A server of Model Context Protocol answered with an error that is not the gateway's own.
    #[error("error {code}: {message}")]
    JsonRpc {
        /// A code of JSON-RPC, of the protocol, or the server's own.
        code: i64,
        /// What was wrong.
        message: String,
        /// More about it as JSON.
        data: Option<Box<RawValue>>,
    },
    /// The peer sent what the protocol does not allow or this client does not know. Where it is not about one answer or
    /// one notification alone, the connection is closed.
    #[error("the gateway broke the protocol: {0}")]
    Protocol(String),
    /// No answer came in the time that the caller gave.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// Events are missing at this place of a stream of events: the log does not reach back to the last one that came
    /// before. The stream goes on behind the position.
    #[error("events are missing before offset {last_offset} of the log {log_epoch}")]
    Gap {
        /// Which log the next events are of.
        log_epoch: String,
        /// The offset after which the next events stand.
        last_offset: u64,
    },
    /// The source of tokens failed, so there is nothing to connect with.
    #[error("no token: {0}")]
    Token(String),
    /// The params, or the message as a whole, cannot be sent. Nothing was sent.
    #[error("this request cannot be sent: {0}")]
    Unsendable(String),
    /// The reader of a stream was too slow: what was waiting for it passed the bound.
    #[error("{missed} messages were dropped because they were not read in time")]
    Lagged {
        /// How many messages are missing at this place.
        missed: u64,
    },
}

impl Error {
    /// What the gateway's error code means; `None` for any other error and for a code that this client does not know.
    pub fn rpc_code(&self) -> Option<ErrorCode> {
        match self {
            Self::Rpc { code, .. } => ErrorCode::from_u16(*code),
            _ => None,
        }
    }

    /// The client leaves a connection to go on by another at once.
    pub(crate) fn elsewhere() -> Self {
        Self::Closed { code: protocol::CloseCode::Restart.as_u16(), reason: "0".to_owned() }
    }

    pub(crate) fn abnormal(reason: impl Into<String>) -> Self {
        Self::Closed { code: 1006, reason: reason.into() }
    }
}
