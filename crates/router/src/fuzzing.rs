//! What a backend says, under fire: the bodies of the fuzz targets.

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message as _;
use protocol::{ErrorCode, Limits, json, pb};

use crate::answer::{Answer, judge};
use crate::bodies::Bodies;
use crate::{Event, describe, wire};

const LIMIT: usize = 1_024;

/// Whatever a backend sends on a stream of calls, a client gets JSON within its limit, or an error that it knows.
///
/// # Panics
/// It does not.
pub fn call_events(input: &[u8]) {
    let Ok(event) = pb::CallEvent::decode(input) else { return };
    let is_json = |text: &Bytes| {
        assert!(text.len() <= LIMIT, "{} bytes", text.len());
        let text = std::str::from_utf8(text).expect("what is passed on is text");
        assert!(json::validate(text, Limits::MAX_DEPTH).is_ok(), "{text:?} is passed on");
    };
    match judge(event.event, "backend", LIMIT) {
        Answer::Goes(Event::Partial(text), _) | Answer::Ends(Event::Result(text), _) => is_json(&text),
        Answer::Goes(Event::Progress(progress), _) => {
            assert!(progress.progress.is_finite() && progress.total.is_finite());
        }
        Answer::Ends(Event::Failed(failure), _) => {
            assert!(failure.message.len() < 8_192 && !failure.message.is_empty());
            assert!(ErrorCode::from_u16(failure.code.as_u16()).is_some());
            failure.details.iter().for_each(is_json);
        }
        Answer::Nothing => {}
        answer => panic!("{answer:?} is no answer"),
    }
}

/// A description is believed only if each of its names may be one.
///
/// # Panics
/// It is believed otherwise.
pub fn descriptions(input: &[u8]) {
    let Ok(description) = pb::Description::decode(input) else { return };
    if describe::check(&description).is_err() {
        return;
    }
    let is_plain =
        |name: &str| !name.is_empty() && name.len() <= 128 && name.bytes().all(|b| b.is_ascii_graphic());
    assert!(is_plain(&description.name));
    assert!(description.tools.iter().all(|tool| is_plain(&tool.name)));
    for method in &description.methods {
        let first = method.pattern.split('.').next();
        assert!(is_plain(&method.pattern), "{:?}", method.pattern);
        assert!(!["initialize", "echo", "tool", "event", "session"].map(Some).contains(&first));
    }
}

/// A request is written as the generated code reads it. The input is a request.
///
/// # Panics
/// It is not.
pub fn call_requests(input: &[u8]) {
    let Ok(asked) = pb::CallRequest::decode(input) else { return };
    let identity = asked.identity.clone().unwrap_or_default();
    let body = wire::Body {
        handler: &wire::tool(&asked.tool),
        method: &asked.method,
        params: &asked.params,
        caller: &wire::caller(&identity, &asked.session_id),
        idempotency_key: [&asked.idempotency_key, "", ""],
        join: asked.join,
        traceparent: &asked.traceparent,
        tracestate: &asked.tracestate,
    };
    let body = wire::body(&body, &mut Bodies::default());
    let mut out = BytesMut::new();
    wire::put_attempt(asked.call_id, asked.timeout_ms, &mut out);
    out.put_slice(&body);
    let read = pb::CallRequest::decode(out.freeze()).expect("what is written is a request");
    let identity = asked.identity.clone().filter(|identity| *identity != pb::Identity::default());
    let read_identity = read.identity.clone().filter(|identity| *identity != pb::Identity::default());
    assert_eq!(read_identity, identity);
    let expected = pb::CallRequest { cancel: false, identity: read.identity.clone(), ..asked };
    assert_eq!(read, expected);
}
