//! What the end of a connection, or a failed attempt at one, means for the next. Knows codes, does nothing.

use std::time::Duration;

use mcp::error::INTERNAL_ERROR;
use protocol::{CloseCode, ErrorCode};

use crate::Error;

/// Longer delays are not believed: a pod that drains means seconds.
const DELAY: Duration = Duration::from_secs(600);

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again, after a while that grows with each failure.
    Later,
    /// Try again after exactly this time, which the gateway chose.
    After(Duration),
    /// The token was not accepted, or is not any more: try again with a fresh one.
    Renew,
    /// The session cannot be resumed: open a fresh one.
    Afresh,
    /// It would happen again.
    End,
}

impl Verdict {
    /// About an error. `resuming` says that it answers the attempt to resume a session.
    pub(crate) fn on(error: &Error, resuming: bool) -> Self {
        match error {
            Error::Closed { code, reason } => closed(*code, reason, resuming),
            Error::Refused { status: 401, .. } => Self::Renew,
            Error::Refused { status: 408 | 425 | 429 | 500.., .. } => Self::Later,
            Error::Connect { .. } | Error::Timeout(_) | Error::Token(_) => Self::Later,
            Error::Rpc { .. } => match error.rpc_code() {
                Some(ErrorCode::AuthenticationFailed) if resuming => Self::Afresh,
                Some(ErrorCode::AuthenticationFailed) => Self::Renew,
                Some(ErrorCode::RateLimited | ErrorCode::Internal | ErrorCode::BackendUnavailable) => {
                    Self::Later
                }
                _ => Self::End,
            },
            Error::JsonRpc { code: INTERNAL_ERROR, .. } => Self::Later,
            _ => Self::End,
        }
    }
}

fn closed(code: u16, reason: &str, resuming: bool) -> Verdict {
    const UNAUTHORIZED: u16 = CloseCode::Unauthorized.as_u16();
    const RESTART: u16 = CloseCode::Restart.as_u16();
    match code {
        UNAUTHORIZED if resuming => Verdict::Afresh,
        UNAUTHORIZED => Verdict::Renew,
        RESTART => match reason.trim().parse() {
            Ok(delay) => Verdict::After(Duration::from_millis(delay).min(DELAY)),
            Err(_) => Verdict::Later,
        },
        // Normal; what one side holds against the other's messages; taken over, flooding, and what is not known yet.
        1000 | 1002 | 1003 | 1007 | 1009 | 1010 | 4000.. => Verdict::End,
        _ => Verdict::Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error, resuming: bool, expected: Verdict) {
        assert_eq!(Verdict::on(error, resuming), expected, "{error:?}");
    }

    fn close(code: u16, reason: &str) -> Error {
        Error::Closed { code, reason: reason.to_owned() }
    }

    #[test]
    fn close_codes_say_whether_to_come_back() {
        for code in [1001, 1005, 1006, 1008, 1011, 1013, 1014, 3000] {
            check(&close(code, ""), false, Verdict::Later);
        }
        for code in [1000, 1002, 1003, 1007, 1009, 1010, 4409, 4429, 4999] {
            check(&close(code, ""), true, Verdict::End);
        }
        check(&close(1012, "1200"), false, Verdict::After(Duration::from_millis(1200)));
        check(&close(1012, "99999999999999"), false, Verdict::After(DELAY));
        check(&close(1012, "soon"), false, Verdict::Later);
        check(&close(4401, ""), false, Verdict::Renew);
        check(&close(4401, ""), true, Verdict::Afresh);
    }

    #[test]
    fn failed_attempts_say_whether_to_try_again() {
        let refused = |status| Error::Refused { status, challenge: None, reason: String::new() };
        let rpc = |code| Error::Rpc { code, message: String::new(), details: None };
        let json_rpc = |code| Error::JsonRpc { code, message: String::new(), data: None };
        for error in
            [refused(503), refused(502), refused(429), rpc(4003), json_rpc(-32603), Error::Timeout(DELAY)]
        {
            check(&error, true, Verdict::Later);
        }
        check(&json_rpc(-32602), true, Verdict::End);
        for error in [refused(400), refused(403), refused(404), rpc(4005), Error::Protocol(String::new())] {
            check(&error, true, Verdict::End);
        }
        check(&refused(401), true, Verdict::Renew);
        check(&rpc(4001), true, Verdict::Afresh);
        check(&rpc(4001), false, Verdict::Renew);
    }
}
