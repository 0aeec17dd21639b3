//! Single messages of `mcp.v1.binary`, from literal bytes.

use protocol::binary::{HEADER_LEN, Header, flags};
use protocol::{ErrorCode, Id, Kind, Limits, Message, Meta, Method, MethodName, binary};

use crate::{binary_message, decode_binary, one_binary};

/// An echo of `{}` with sequence_id 0x0102030405060708.
const ECHO: [u8; 26] =
    [0x4D, 0x43, 0x50, 0x57, 1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 15, 0, 0, 0, 0, 0, 2, b'{', b'}'];
const SEQUENCE: u64 = 0x0102_0304_0506_0708;
const SEQUENCE_TEXT: &str = "72623859790382856";

const META: Meta<'static> = Meta { traceparent: None, tracestate: None, timeout_ms: None };

#[track_caller]
fn check_accepted(frame: &[u8], expected: Message<'_>) {
    let mut seen = 0;
    binary::decode(frame, &mut Vec::new(), &Limits::default(), |message| {
        assert_eq!(message.as_ref(), Ok(&expected));
        seen += 1;
    });
    assert_eq!(seen, 1);
}

/// The echo with some bytes replaced.
fn echo_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = ECHO.to_vec();
    frame[at..at + bytes.len()].copy_from_slice(bytes);
    frame
}

fn message(kind: Kind, method: u16, payload: &[u8]) -> Vec<u8> {
    binary_message(Header::new(kind, SEQUENCE, method, 0), payload)
}

#[track_caller]
fn check_refused(frame: &[u8], id: Option<&str>, names: &[&str]) {
    one_binary(frame).is_rejection(id, ErrorCode::InvalidMessage, names);
}

#[test]
fn the_header_is_24_bytes_in_network_order() {
    let header = Header {
        magic: 0x4D43_5057,
        version: 1,
        kind: 0,
        flags: 0x0203,
        sequence_id: SEQUENCE,
        method: 15,
        reserved: 0x0405,
        data_size: 0x0607_0809,
    };
    let bytes = [b'M', b'C', b'P', b'W', 1, 0, 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 0, 15, 4, 5, 6, 7, 8, 9];
    assert_eq!(header.encode(), bytes);
    assert_eq!(Header::decode(&bytes), header);
    assert_eq!(HEADER_LEN, 24);
}

#[test]
fn a_request_has_its_sequence_as_id() {
    check_accepted(
        &ECHO,
        Message {
            id: Some(Id::Sequence(SEQUENCE)),
            kind: Kind::Request,
            method: Some(Method::Echo.into()),
            body: "{}",
            meta: META,
            seq: None,
        },
    );
}

#[test]
fn every_kind_is_told_apart() {
    let id = Some(Id::Sequence(SEQUENCE));
    let bare = Message { id, kind: Kind::Response, method: None, body: "", meta: META, seq: None };
    check_accepted(&message(Kind::Response, 15, b"[1]"), Message { body: "[1]", ..bare.clone() });
    // The method of a response or error is not looked at.
    check_accepted(
        &message(Kind::Error, 999, b"{}"),
        Message { kind: Kind::Error, body: "{}", ..bare.clone() },
    );
    let event = Message {
        id: None,
        kind: Kind::Notification,
        method: Some(Method::Event.into()),
        body: "{}",
        seq: Some(SEQUENCE),
        ..bare.clone()
    };
    check_accepted(&message(Kind::Notification, 19, b"{}"), event.clone());
    let outside = binary_message(Header::new(Kind::Notification, 0, 19, 0), b"{}");
    check_accepted(&outside, Message { seq: None, ..event });
    // The payload of a ping is ignored.
    check_accepted(&message(Kind::Ping, 0, b"\xff"), Message { kind: Kind::Ping, ..bare.clone() });
    check_accepted(&message(Kind::Pong, 0, b""), Message { kind: Kind::Pong, ..bare });
}

#[test]
fn every_method_number_has_its_method() {
    for &method in Method::ALL {
        check_accepted(
            &message(Kind::Request, method.code(), b""),
            Message {
                id: Some(Id::Sequence(SEQUENCE)),
                kind: Kind::Request,
                method: Some(method.into()),
                body: "",
                meta: META,
                seq: None,
            },
        );
    }
    for number in [22, 0x0F00, u16::MAX] {
        let said = one_binary(&message(Kind::Request, number, b"{}"));
        said.is_rejection(Some(SEQUENCE_TEXT), ErrorCode::MethodNotFound, &[&number.to_string()]);
    }
}

#[test]
fn method_0_is_named_in_the_payload() {
    let expected = Message {
        id: Some(Id::Sequence(SEQUENCE)),
        kind: Kind::Request,
        method: Some(MethodName::Custom("workflow.run".into())),
        body: "[1]",
        meta: Meta { timeout_ms: Some(5), ..META },
        seq: None,
    };
    let payload = br#" {"method":"workflow.run","x":0,"params":[1],"meta":{"timeout_ms":5}} "#;
    check_accepted(&message(Kind::Request, 0, payload), expected);
    for (payload, names) in [
        (&b""[..], ["payload", "expected a value"]),
        (b"{}", ["method is missing", "method 0"]),
        (b"[]", ["method 0", "must be an object"]),
        (br#"{"method":5}"#, ["method must be", "string"]),
        (br#"{"method":"a","meta":{"timeout_ms":0}}"#, ["meta.timeout_ms", "positive"]),
        (br#"{"method":"a","method":"b"}"#, ["twice", "byte 14"]),
        (br#"{"method":"a"} 1"#, ["byte 15", "end"]),
    ] {
        check_refused(&message(Kind::Request, 0, payload), Some(SEQUENCE_TEXT), &names);
    }
}

#[test]
fn a_wrong_magic_or_version_leaves_no_id_to_trust() {
    check_refused(&echo_with(0, b"MCPX"), None, &["magic", "0x4d435058", "0x4d435057"]);
    check_refused(&echo_with(4, &[2]), None, &["version is 2", "must be 1"]);
    check_refused(&echo_with(4, &[0]), None, &["version is 0"]);
}

#[test]
fn a_wrong_field_is_named_with_what_would_be_right() {
    let id = Some(SEQUENCE_TEXT);
    check_refused(&echo_with(5, &[6]), id, &["unknown type 6", "0 request"]);
    check_refused(&echo_with(6, &[0, 16]), id, &["flags", "0x0010", "0x000f"]);
    check_refused(&echo_with(6, &[0x80, 0]), id, &["flags", "0x8000"]);
    check_refused(&echo_with(6, &[0, 2]), id, &["encrypted", "not supported"]);
    check_refused(&echo_with(6, &[0, 8]), id, &["signed messages are not enabled here"]);
    check_refused(&echo_with(18, &[0, 1]), id, &["reserved is 1", "must be 0"]);
    check_refused(&echo_with(20, &[0, 0, 0, 3]), id, &["data_size is 3", "2 bytes follow"]);
    check_refused(&echo_with(20, &[0xff; 4]), id, &["data_size is 4294967295", "2 bytes follow"]);
}

#[test]
fn a_frame_that_is_too_short_for_a_header_is_refused() {
    check_refused(&[], None, &["empty frame"]);
    check_refused(&ECHO[..23], None, &["23 bytes", "24 bytes"]);
    // What is left over after a message counts as another one.
    let said = decode_binary(&echo_with(20, &[0, 0, 0, 1]));
    assert_eq!(said.len(), 2);
    said[1].is_rejection(None, ErrorCode::InvalidMessage, &["1 bytes"]);
}

#[test]
fn payloads_are_checked_as_strictly_as_text() {
    let id = Some(SEQUENCE_TEXT);
    check_refused(&message(Kind::Request, 15, b"\"\xff\""), id, &["UTF-8"]);
    check_refused(&message(Kind::Request, 15, b"{\"a\":1,\"a\":1}"), id, &["payload", "byte 7", "twice"]);
    check_refused(&message(Kind::Response, 15, b"1e999"), id, &["payload", "double"]);
    check_refused(&message(Kind::Notification, 19, b" "), id, &["payload", "expected a value"]);
    let nested = |depth: usize| message(Kind::Request, 15, &[vec![b'['; depth], vec![b']'; depth]].concat());
    one_binary(&nested(64)).is_message();
    check_refused(&nested(65), id, &["nested too deeply"]);
}

#[test]
fn the_bits_of_the_flags_are_the_designs() {
    assert_eq!([flags::COMPRESSED, flags::ENCRYPTED, flags::BATCH, flags::SIGNED], [1, 2, 4, 8]);
}
