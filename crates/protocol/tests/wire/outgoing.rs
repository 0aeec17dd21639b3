//! What goes out, byte for byte.

use protocol::binary::{Header, flags};
use protocol::{ErrorCode, Format, Id, Kind, Limits, Meta, Method, Outgoing, text};

#[track_caller]
fn encoded(message: &Outgoing<'_>, format: Format) -> Vec<u8> {
    let mut out = b"before".to_vec();
    message.encode(format, &mut out);
    assert_eq!(out.len() - 6, message.encoded_len(format), "{message:?}");
    out.split_off(6)
}

#[track_caller]
fn check_json(message: &Outgoing<'_>, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&encoded(message, Format::Json)), expected);
}

/// The message is this header, with the payload's size, and this payload.
#[track_caller]
fn check_binary(message: &Outgoing<'_>, header: Header, payload: &str) {
    let bytes = encoded(message, Format::Binary);
    let (head, body) = bytes.split_first_chunk().expect("there is a header");
    let data_size = u32::try_from(payload.len()).expect("payloads of tests are small");
    assert_eq!(Header::decode(head), Header { data_size, ..header });
    assert_eq!(String::from_utf8_lossy(body), payload);
}

fn header(kind: Kind, sequence_id: u64, method: u16) -> Header {
    Header::new(kind, sequence_id, method, 0)
}

#[test]
fn a_response_carries_the_id_as_the_client_wrote_it() {
    let result = &br#"{"a":1}"#[..];
    check_json(
        &Outgoing::response(Id::Token(r#""\u0061""#), 15, result),
        r#"{"id":"\u0061","type":1,"result":{"a":1}}"#,
    );
    check_json(&Outgoing::response(Id::Token("-7"), 15, &b""[..]), r#"{"id":-7,"type":1,"result":null}"#);
    let sequence = Outgoing::response(Id::Sequence(9), 15, result);
    check_json(&sequence, r#"{"id":9,"type":1,"result":{"a":1}}"#);
    check_binary(&sequence, header(Kind::Response, 9, 15), r#"{"a":1}"#);
    check_binary(&Outgoing::response(Id::Sequence(9), 0, Vec::new()), header(Kind::Response, 9, 0), "null");
}

#[test]
fn an_error_carries_code_message_and_details() {
    let plain = Outgoing::error(None, 0, ErrorCode::InvalidMessage, "no \"id\"\n\u{1}", None);
    check_json(&plain, r#"{"id":null,"type":3,"error":{"code":4000,"message":"no \"id\"\n\u0001"}}"#);
    check_binary(&plain, header(Kind::Error, 0, 0), r#"{"code":4000,"message":"no \"id\"\n\u0001"}"#);
    let id = Some(Id::Sequence(3));
    let detailed =
        Outgoing::error(id, 3, ErrorCode::RateLimited, "slow down", Some(br#"{"retry_after_ms":5}"#));
    let body = r#"{"code":4002,"message":"slow down","details":{"retry_after_ms":5}}"#;
    check_json(&detailed, &format!(r#"{{"id":3,"type":3,"error":{body}}}"#));
    check_binary(&detailed, header(Kind::Error, 3, 3), body);
}

#[test]
fn a_notification_is_numbered_in_binary_and_named_in_json() {
    let event = Outgoing::notification(Method::Event, &br#"{"name":"n"}"#[..], Some(77));
    check_json(&event, r#"{"type":2,"method":"event","params":{"name":"n"},"seq":77}"#);
    check_binary(&event, header(Kind::Notification, 77, 19), r#"{"name":"n"}"#);
    let bare = Outgoing::notification(Method::SessionMigrate, &b""[..], None);
    check_json(&bare, r#"{"type":2,"method":"session.migrate"}"#);
    check_binary(&bare, header(Kind::Notification, 0, 18), "");
    let custom = Outgoing::notification("my \"own\"", &b"[]"[..], None);
    check_json(&custom, r#"{"type":2,"method":"my \"own\"","params":[]}"#);
    check_binary(&custom, header(Kind::Notification, 0, 0), r#"{"method":"my \"own\"","params":[]}"#);
}

#[test]
fn pings_and_pongs_carry_their_id_if_they_have_one() {
    check_json(&Outgoing::pong(Some(Id::Token("\"p\""))), r#"{"id":"p","type":5}"#);
    check_json(&Outgoing::pong(None), r#"{"type":5}"#);
    check_json(&Outgoing::ping(None), r#"{"type":4}"#);
    check_binary(&Outgoing::pong(Some(Id::Sequence(4))), header(Kind::Pong, 4, 0), "");
    check_binary(&Outgoing::ping(Some(Id::Token("4"))), header(Kind::Ping, 4, 0), "");
}

#[test]
fn a_request_with_meta_is_named_in_binary() {
    let id = Id::Sequence(1);
    let plain = Outgoing::request(id, Method::ToolList, &b"{}"[..], None);
    check_json(&plain, r#"{"id":1,"type":0,"method":"tool.list","params":{}}"#);
    check_binary(&plain, header(Kind::Request, 1, 2), "{}");
    let meta = Meta { traceparent: Some("00-a".into()), tracestate: Some("b=c".into()), timeout_ms: Some(9) };
    let call =
        r#""method":"tool.list","params":{},"meta":{"traceparent":"00-a","tracestate":"b=c","timeout_ms":9}"#;
    let full = Outgoing::request(id, Method::ToolList, &b"{}"[..], Some(&meta));
    check_json(&full, &format!(r#"{{"id":1,"type":0,{call}}}"#));
    check_binary(&full, header(Kind::Request, 1, 0), &format!("{{{call}}}"));
    let timed = Meta { timeout_ms: Some(9), ..Meta::default() };
    check_json(
        &Outgoing::request(id, "own", &b""[..], Some(&timed)),
        r#"{"id":1,"type":0,"method":"own","meta":{"timeout_ms":9}}"#,
    );
    check_binary(
        &Outgoing::request(id, Method::ToolList, &b""[..], Some(&Meta::default())),
        header(Kind::Request, 1, 2),
        "",
    );
}

#[test]
fn a_compressed_body_is_flagged_and_sent_as_it_is() {
    let response = Outgoing { compressed: true, ..Outgoing::response(Id::Sequence(1), 15, &b"zlib"[..]) };
    let flagged = Header { flags: flags::COMPRESSED, ..header(Kind::Response, 1, 15) };
    check_binary(&response, flagged, "zlib");
    let empty = Outgoing { compressed: true, ..Outgoing::response(Id::Sequence(1), 15, &b""[..]) };
    check_binary(&empty, header(Kind::Response, 1, 15), "null");
}

#[test]
fn a_rejection_becomes_its_answer() {
    let mut answers = Vec::new();
    text::decode(r#"{"id":"a","type":0}"#, &Limits::default(), |message| {
        message.expect_err("it has no method").answer().encode(Format::Json, &mut answers);
    });
    assert_eq!(
        String::from_utf8_lossy(&answers),
        r#"{"id":"a","type":3,"error":{"code":4000,"message":"method is missing; a request needs a method, a non-empty string"}}"#
    );
}
