//! From what the client library says to what a caller can do about it.
use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::Error;

/// What an error means for the connection on which it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The server answered; it was about this command.
    Command,
    /// The server has not executed the command, but may do so soon or elsewhere.
    Retry,
    /// The connection, or the server's role, is in doubt.
    Connection,
}

pub(super) fn judge(error: &RedisError) -> (Verdict, Error) {
    let reason = || error.to_string();
    match error.code() {
        Some("OOM") => return (Verdict::Command, Error::OutOfMemory),
        Some("WRONGTYPE") => return (Verdict::Command, Error::Corrupt { reason: reason() }),
        Some("MISCONF" | "NOREPLICAS") => return (Verdict::Connection, Error::ReadOnly { reason: reason() }),
        Some("NOAUTH" | "WRONGPASS" | "NOPERM" | "DENIED") => {
            return (Verdict::Connection, Error::Forbidden { reason: reason() });
        }
        Some("BUSY") => return (Verdict::Connection, Error::Unavailable { reason: reason() }),
        _ => {}
    }
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::ReadOnly) => {
            (Verdict::Connection, Error::ReadOnly { reason: reason() })
        }
        ErrorKind::Server(
            ServerErrorKind::Moved
            | ServerErrorKind::Ask
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown,
        ) => (Verdict::Retry, Error::Unavailable { reason: reason() }),
        ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => {
            (Verdict::Connection, Error::Unavailable { reason: reason() })
        }
        ErrorKind::AuthenticationFailed => (Verdict::Connection, Error::Forbidden { reason: reason() }),
        ErrorKind::InvalidClientConfig | ErrorKind::EmptySentinelList | ErrorKind::RESP3NotSupported => {
            (Verdict::Connection, Error::Settings { reason: reason() })
        }
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::UnexpectedReturnType | ErrorKind::Parse => {
            (Verdict::Command, Error::Corrupt { reason: reason() })
        }
        _ => (Verdict::Connection, Error::Unavailable { reason: reason() }),
    }
}
