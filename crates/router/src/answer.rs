//! What a backend's event means: the checks that stand between its bytes and a client. It knows no
//! connection and no call table.
use bytes::Bytes;
use protocol::{ErrorCode, Limits, pb};

use crate::{Event, Failure};

/// The longest error message that is passed on, in bytes.
const MAX_MESSAGE: usize = 4_096;

/// What to do with an event.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// Deliver it, the call goes on. The number is what counts against the call's limit.
    Goes(Event, usize),
    /// Deliver it, the call has ended; whose doing that was.
    Ends(Event, Verdict),
    /// Something that this gateway does not know, or progress that is no number.
    Nothing,
}

/// What the end of a call says about the replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    Failure,
    Neutral,
}

/// Judges an event of `backend`, where a result may have `limit` bytes.
pub(crate) fn judge(event: Option<pb::call_event::Event>, backend: &str, limit: usize) -> Answer {
    match event {
        None => Answer::Nothing,
        Some(pb::call_event::Event::Progress(progress)) => {
            if progress.progress.is_finite() && progress.total.is_finite() {
                let size = progress.message.len();
                Answer::Goes(Event::Progress(progress), size)
            } else {
                Answer::Nothing
            }
        }
        Some(pb::call_event::Event::Partial(text)) => {
            match check(&text, backend, limit, "a partial result") {
                Ok(()) => {
                    let size = text.len();
                    Answer::Goes(Event::Partial(text), size)
                }
                Err(refused) => refused,
            }
        }
        Some(pb::call_event::Event::Result(text)) => match check(&text, backend, limit, "a result") {
            Ok(()) => Answer::Ends(Event::Result(text), Verdict::Success),
            Err(refused) => refused,
        },
        Some(pb::call_event::Event::Error(error)) => failed(error, backend, limit),
    }
}

fn check(text: &Bytes, backend: &str, limit: usize, what: &str) -> Result<(), Answer> {
    if text.len() > limit {
        let failure = Failure::too_large(backend, what, limit);
        return Err(Answer::Ends(Event::Failed(failure), Verdict::Neutral));
    }
    if !is_json(text) {
        return Err(Answer::Ends(Event::Failed(Failure::malformed(backend)), Verdict::Failure));
    }
    Ok(())
}

fn failed(error: pb::Error, backend: &str, limit: usize) -> Answer {
    let code = u16::try_from(error.code).ok().and_then(ErrorCode::from_u16).unwrap_or(ErrorCode::Internal);
    if !error.details.is_empty()
        && let Err(refused) = check(&error.details, backend, limit, "error details")
    {
        return refused;
    }
    let mut message = error.message;
    if message.is_empty() {
        message = format!("backend {backend} failed without saying why");
    }
    shorten(&mut message);
    let verdict = match code {
        ErrorCode::Internal | ErrorCode::BackendUnavailable => Verdict::Failure,
        // It lives, but whether it was too slow or was given too little time is not known here.
        ErrorCode::DeadlineExceeded | ErrorCode::Cancelled => Verdict::Neutral,
        _ => Verdict::Success,
    };
    let details = (!error.details.is_empty()).then_some(error.details);
    Answer::Ends(Event::Failed(Failure { code, message: message.into(), details }), verdict)
}

/// What a gRPC status means, where a backend ends a call with one.
pub(crate) fn status(code: tonic::Code, message: &str, backend: &str) -> (Failure, Verdict) {
    use tonic::Code;
    let (code, verdict) = match code {
        Code::Cancelled => (ErrorCode::Cancelled, Verdict::Neutral),
        Code::InvalidArgument | Code::OutOfRange => (ErrorCode::InvalidParams, Verdict::Success),
        Code::DeadlineExceeded => (ErrorCode::DeadlineExceeded, Verdict::Neutral),
        Code::NotFound => (ErrorCode::NotFound, Verdict::Success),
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => {
            (ErrorCode::Conflict, Verdict::Success)
        }
        Code::PermissionDenied => (ErrorCode::Forbidden, Verdict::Success),
        Code::ResourceExhausted | Code::Unavailable => (ErrorCode::BackendUnavailable, Verdict::Failure),
        _ => (ErrorCode::Internal, Verdict::Failure),
    };
    let mut message = match message {
        "" => format!("backend {backend} failed without saying why"),
        said => format!("backend {backend}: {said}"),
    };
    shorten(&mut message);
    if matches!(code, ErrorCode::BackendUnavailable | ErrorCode::Internal) {
        message.push_str("; the call may have been executed");
    }
    (Failure::new(code, message), verdict)
}

fn shorten(message: &mut String) {
    message.truncate(message.floor_char_boundary(MAX_MESSAGE));
}

/// Whether these bytes are one JSON text in UTF-8 that every client can read.
fn is_json(text: &[u8]) -> bool {
    simdutf8::basic::from_utf8(text)
        .is_ok_and(|text| protocol::json::validate(text, Limits::MAX_DEPTH).is_ok())
}

#[cfg(test)]
mod tests {
    use pb::call_event::Event as Sent;

    use super::*;

    fn judged(event: Sent) -> Answer {
        judge(Some(event), "b", 100)
    }

    fn code(answer: &Answer) -> Option<ErrorCode> {
        match answer {
            Answer::Ends(Event::Failed(failure), _) => Some(failure.code),
            _ => None,
        }
    }

    #[test]
    fn a_result_must_be_one_json_text() {
        for good in ["{}", "null", " [1, 2] ", "\"ä\"", "1e5"] {
            let answer = judged(Sent::Result(good.into()));
            assert_eq!(answer, Answer::Ends(Event::Result(good.into()), Verdict::Success));
        }
        for bad in [&b""[..], b"{", b"{} {}", b"nul", b"\"\xff\"", b"'x'", b"{\"a\":1,\"a\":2}", &[b'['; 99]]
        {
            let answer = judged(Sent::Result(bad.to_vec().into()));
            assert_eq!(code(&answer), Some(ErrorCode::Internal), "{bad:?}");
        }
    }

    #[test]
    fn an_event_over_the_limit_is_too_large() {
        let long = Bytes::from(format!("\"{}\"", "x".repeat(99)));
        for event in [Sent::Result(long.clone()), Sent::Partial(long)] {
            assert_eq!(code(&judged(event)), Some(ErrorCode::TooLarge));
        }
    }

    #[test]
    fn a_code_that_is_not_known_becomes_4003() {
        for (sent, passed) in [
            (4010, ErrorCode::NotFound),
            (4005, ErrorCode::InvalidParams),
            (0, ErrorCode::Internal),
            (4999, ErrorCode::Internal),
            (65_536 + 4010, ErrorCode::Internal),
        ] {
            let error = pb::Error { code: sent, message: "m".into(), details: Bytes::new() };
            assert_eq!(code(&judged(Sent::Error(error))), Some(passed), "{sent}");
        }
    }

    #[test]
    fn malformed_details_are_not_passed_on() {
        let error = pb::Error { code: 4010, message: "m".into(), details: "{x".into() };
        assert_eq!(code(&judged(Sent::Error(error))), Some(ErrorCode::Internal));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = pb::Error { code: 4010, message: "ä".repeat(3_000) + "x", details: Bytes::new() };
        let Answer::Ends(Event::Failed(failure), _) = judged(Sent::Error(error)) else {
            panic!("an error ends a call");
        };
        assert_eq!(failure.message.len(), 4_096);
    }

    #[test]
    fn progress_that_is_no_number_is_dropped() {
        let progress = pb::Progress { progress: f64::NAN, ..Default::default() };
        assert_eq!(judged(Sent::Progress(progress)), Answer::Nothing);
        assert_eq!(judge(None, "b", 100), Answer::Nothing);
    }
}
