//! How a call ended, as the journal keeps it: `R` and the result, or `E`, the code, the length of the message, the
//! message and the details.

use bytes::Bytes;
use protocol::ErrorCode;
use router::{Event, Failure};

/// The end of a call as bytes; `None` for what ends none.
pub(crate) fn encode(event: &Event) -> Option<Bytes> {
    match event {
        Event::Progress(_) | Event::Partial(_) => None,
        Event::Result(result) => Some([b"R", &result[..]].concat().into()),
        Event::Failed(failure) => {
            let message = failure.message.as_bytes();
            let details = failure.details.as_deref().unwrap_or_default();
            let mut bytes = Vec::with_capacity(7 + message.len() + details.len());
            bytes.push(b'E');
            bytes.extend_from_slice(&failure.code.as_u16().to_be_bytes());
            bytes.extend_from_slice(&(message.len() as u32).to_be_bytes());
            bytes.extend_from_slice(message);
            bytes.extend_from_slice(details);
            Some(bytes.into())
        }
    }
}

/// The end of a call as it was encoded; an outcome that nobody can read is one that nobody knows.
pub(crate) fn decode(outcome: &Bytes) -> Event {
    parse(outcome).unwrap_or_else(|| Event::Failed(unknown("what the journal has of it can't be read")))
}

fn parse(outcome: &Bytes) -> Option<Event> {
    match *outcome.first()? {
        b'R' => Some(Event::Result(outcome.slice(1..))),
        b'E' => {
            let code = u16::from_be_bytes(outcome.get(1..3)?.try_into().ok()?);
            let length = u32::from_be_bytes(outcome.get(3..7)?.try_into().ok()?) as usize;
            let message = std::str::from_utf8(outcome.get(7..7 + length)?).ok()?;
            let details = outcome.slice(7 + length..);
            Some(Event::Failed(Failure {
                code: ErrorCode::from_u16(code)?,
                message: message.to_owned().into(),
                details: (!details.is_empty()).then_some(details),
            }))
        }
        _ => None,
    }
}

/// 4012 for a call that streams more than its client takes.
pub(crate) fn unread() -> Failure {
    Failure::new(
        ErrorCode::TooLarge,
        "the client reads more slowly than the result streams, and max_unsent is reached",
    )
}

/// 4006: nobody knows whether the call was executed.
pub(crate) fn unknown(why: &str) -> Failure {
    Failure::new(
        ErrorCode::OutcomeUnknown,
        format!("the outcome is unknown: {why}; the call may or may not have been executed"),
    )
}

/// 4006 for a call that ended, but whose end is not kept any more.
pub(crate) fn forgotten() -> Failure {
    unknown("it ended, and its result was not kept")
}

/// 4006 for a call that may be sent again without harm.
pub(crate) fn repeatable(why: &str) -> Failure {
    Failure {
        details: Some(Bytes::from_static(b"{\"repeatable\":true}")),
        ..Failure::new(
            ErrorCode::OutcomeUnknown,
            format!(
                "the outcome is unknown: {why}; the tool may be executed twice, so send the request again"
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_reads_as_it_was_written() {
        let failure = Failure::new(ErrorCode::NotFound, "größer");
        let detailed = Failure { details: Some(Bytes::from_static(b"{}")), ..failure.clone() };
        for end in [
            Event::Result(Bytes::from_static(b"{\"a\":1}")),
            Event::Result(Bytes::new()),
            Event::Failed(failure),
            Event::Failed(detailed),
        ] {
            assert_eq!(decode(&encode(&end).unwrap()), end);
        }
        assert_eq!(encode(&Event::Partial(Bytes::new())), None);
    }

    #[test]
    fn what_is_cut_short_is_an_unknown_outcome() {
        let whole = encode(&Event::Failed(Failure::new(ErrorCode::Internal, "message"))).unwrap();
        for length in [0, 1, 2, 6, 10] {
            let Event::Failed(failure) = decode(&Bytes::copy_from_slice(&whole[..length])) else {
                panic!("{length} bytes are no result");
            };
            assert_eq!(failure.code, ErrorCode::OutcomeUnknown);
        }
    }
}
