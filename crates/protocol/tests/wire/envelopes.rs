//! Single messages of `mcp.v1`.

use std::borrow::Cow;

use protocol::{ErrorCode, Id, Kind, Limits, Message, Meta, Method, MethodName, text};

use crate::one_text;

#[track_caller]
fn check_accepted(frame: &str, expected: Message<'_>) {
    let mut seen = 0;
    text::decode(frame, &Limits::default(), |message| {
        assert_eq!(message.as_ref(), Ok(&expected), "{frame}");
        seen += 1;
    });
    assert_eq!(seen, 1, "{frame}");
}

/// Refused with 4000, with this id, and with all of `names` in the message.
#[track_caller]
fn check_refused(frame: &str, id: Option<&str>, names: &[&str]) {
    one_text(frame).is_rejection(id, ErrorCode::InvalidMessage, names);
}

const BARE: Message<'static> = Message {
    id: None,
    kind: Kind::Request,
    method: None,
    body: "",
    meta: Meta { traceparent: None, tracestate: None, timeout_ms: None },
    seq: None,
};

fn request<'a>(id: &'a str, method: Method, body: &'a str) -> Message<'a> {
    Message { id: Some(Id::Token(id)), method: Some(method.into()), body, ..BARE }
}

#[test]
fn a_request_is_borrowed_from_its_frame() {
    check_accepted(
        r#"{"id":"a1","type":0,"method":"tool.execute","params":{"tool":"x","args":{}}}"#,
        request(r#""a1""#, Method::ToolExecute, r#"{"tool":"x","args":{}}"#),
    );
    check_accepted(
        " {\n \"params\" : [ 1 ] ,\t\"method\":\"echo\" , \"type\" : 0, \"id\" : -7 }\r\n",
        request("-7", Method::Echo, "[ 1 ]"),
    );
}

#[test]
fn params_may_be_any_value_or_absent() {
    for params in ["null", "1.5", "\"text\"", "[]", "{}", "true"] {
        let frame = format!(r#"{{"id":1,"type":0,"method":"echo","params":{params}}}"#);
        check_accepted(&frame, request("1", Method::Echo, params));
    }
    check_accepted(r#"{"id":1,"type":0,"method":"echo"}"#, request("1", Method::Echo, ""));
}

#[test]
fn custom_methods_keep_their_name() {
    for (token, name) in
        [("workflow.run", "workflow.run"), (r"w\u00f6rk\/flow", "wörk/flow"), ("Echo", "Echo")]
    {
        let frame = format!(r#"{{"id":1,"type":0,"method":"{token}"}}"#);
        let method = MethodName::Custom(Cow::Borrowed(name));
        assert_eq!((method.name(), method.code()), (name, 0));
        check_accepted(&frame, Message { id: Some(Id::Token("1")), method: Some(method), ..BARE });
    }
    // Written with an escape it is still the platform's own.
    check_accepted(r#"{"id":1,"type":0,"method":"\u0065cho"}"#, request("1", Method::Echo, ""));
}

#[test]
fn keys_are_compared_without_their_escapes() {
    check_accepted(r#"{"\u0069d":1,"typ\u0065":0,"method":"echo"}"#, request("1", Method::Echo, ""));
    check_refused(r#"{"id":1,"\u0069d":2,"type":0,"method":"echo"}"#, Some("1"), &["byte 8", "twice"]);
}

#[test]
fn unknown_fields_are_checked_and_ignored() {
    check_accepted(
        r#"{"jsonrpc":"2.0","id":1,"type":0,"x":{"id":2},"method":"echo","seq":"mine"}"#,
        request("1", Method::Echo, ""),
    );
    check_refused(r#"{"x":{"y":tru},"id":1,"type":0,"method":"echo"}"#, None, &["byte 10"]);
    check_refused(r#"{"x":1,"id":1,"x":2,"type":0,"method":"echo"}"#, Some("1"), &["byte 14", "twice"]);
}

#[test]
fn every_type_is_told_apart() {
    let id = Some(Id::Token("1"));
    check_accepted(
        r#"{"id":1,"type":1,"result":{"a":1}}"#,
        Message { id, kind: Kind::Response, body: r#"{"a":1}"#, ..BARE },
    );
    check_accepted(
        r#"{"type":2,"method":"event","params":{"name":"n"},"seq":12}"#,
        Message {
            kind: Kind::Notification,
            method: Some(Method::Event.into()),
            body: r#"{"name":"n"}"#,
            seq: Some(12),
            ..BARE
        },
    );
    check_accepted(
        r#"{"id":1,"type":3,"error":{"code":4003}}"#,
        Message { id, kind: Kind::Error, body: r#"{"code":4003}"#, ..BARE },
    );
    check_accepted(r#"{"id":null,"type":3,"error":{}}"#, Message { kind: Kind::Error, body: "{}", ..BARE });
    check_accepted(r#"{"id":1,"type":4}"#, Message { id, kind: Kind::Ping, ..BARE });
    check_accepted(r#"{"type":4}"#, Message { kind: Kind::Ping, ..BARE });
    check_accepted(r#"{"type":5}"#, Message { kind: Kind::Pong, ..BARE });
}

#[test]
fn a_wrong_type_is_told_what_types_there_are() {
    let types = "0 request, 1 response, 2 notification, 3 error, 4 ping, 5 pong";
    check_refused(r#"{"id":1,"method":"echo"}"#, Some("1"), &["type is missing", types]);
    for unknown in ["6", "9", "-1", "10", "00000009"] {
        let frame = format!(r#"{{"id":1,"type":{unknown},"method":"echo"}}"#);
        let names = if unknown.starts_with("00") { ["invalid JSON", "byte"] } else { [unknown, types] };
        check_refused(&frame, Some("1"), &names);
    }
    for wrong in ["\"0\"", "null", "0.0", "0e0", "[0]", "true"] {
        let frame = format!(r#"{{"id":1,"type":{wrong},"method":"echo"}}"#);
        check_refused(&frame, Some("1"), &["type must be an integer", types]);
    }
}

#[test]
fn a_request_without_a_usable_id_is_told_why() {
    check_refused(r#"{"type":0,"method":"echo"}"#, None, &["id is missing"]);
    for (id, why) in [
        ("\"\"", "empty"),
        ("null", "null"),
        ("true", "boolean"),
        ("{}", "object"),
        ("[1]", "array"),
        ("1.0", "fraction"),
        ("1e3", "exponent"),
        ("18446744073709551616", "64 bits"),
        ("-9223372036854775809", "64 bits"),
    ] {
        check_refused(&format!(r#"{{"id":{id},"type":0,"method":"echo"}}"#), None, &["id is", why]);
    }
}

#[test]
fn ids_of_every_allowed_form_come_back_as_they_are() {
    for id in ["0", "-1", "18446744073709551615", "-9223372036854775808", "\"x\"", "\"\\u0041\"", "\"ü\""] {
        let frame = format!(r#"{{"id":{id},"type":0,"method":"echo"}}"#);
        check_accepted(&frame, request(id, Method::Echo, ""));
    }
}

#[test]
fn a_string_id_is_measured_without_its_escapes() {
    let with_id = |id: &str| format!(r#"{{"id":"{id}","type":0,"method":"echo"}}"#);
    one_text(&with_id(&"i".repeat(128))).is_message();
    check_refused(&with_id(&"i".repeat(129)), None, &["129 bytes", "1 to 128 bytes"]);
    one_text(&with_id(&r"\u0069".repeat(128))).is_message();
    check_refused(&with_id(&r"\u0069".repeat(129)), None, &["129 bytes"]);
    // Two bytes each in UTF-8.
    one_text(&with_id(&"ü".repeat(64))).is_message();
    check_refused(&with_id(&"ü".repeat(65)), None, &["130 bytes"]);
}

#[test]
fn equal_ids_have_one_canonical_form() {
    let canonical = |token| Id::Token(token).canonical().into_owned();
    assert_eq!(canonical(r#""a\u0062\/c""#), r#""ab/c""#);
    assert_eq!(canonical(r#""ab/c""#), r#""ab/c""#);
    assert_eq!(canonical(r#""\u0022\\\u000A\u0001""#), r#""\"\\\n\u0001""#);
    assert_eq!(canonical(r#""\ud83e\udd80""#), r#""🦀""#);
    assert_eq!(canonical("12"), "12");
    assert_ne!(canonical("\"12\""), canonical("12"));
    assert_eq!(Id::Sequence(12).canonical(), "12");
}

#[test]
fn methods_are_non_empty_strings_where_they_are_needed() {
    check_refused(r#"{"id":"a","type":0}"#, Some("\"a\""), &["method is missing", "a request"]);
    check_refused(r#"{"type":2}"#, None, &["method is missing", "a notification"]);
    check_refused(r#"{"id":"a","type":0,"method":""}"#, Some("\"a\""), &["method is empty"]);
    for wrong in ["15", "null", "{}", "[\"echo\"]"] {
        let frame = format!(r#"{{"id":"a","type":0,"method":{wrong}}}"#);
        check_refused(&frame, Some("\"a\""), &["method must be a non-empty string"]);
    }
}

#[test]
fn a_notification_has_no_id() {
    check_refused(r#"{"id":5,"type":2,"method":"event"}"#, Some("5"), &["a notification has no id"]);
    check_refused(r#"{"type":2,"method":"event","seq":-1}"#, None, &["seq"]);
}

#[test]
fn meta_is_read_with_its_escapes_undone() {
    check_accepted(
        r#"{"id":1,"type":0,"method":"echo","meta":{"traceparent":"00-ab","tracestate":"a\u003d1","timeout_ms":30000,"x":[]}}"#,
        Message {
            meta: Meta {
                traceparent: Some("00-ab".into()),
                tracestate: Some("a=1".into()),
                timeout_ms: Some(30_000),
            },
            ..request("1", Method::Echo, "")
        },
    );
    check_accepted(r#"{"id":1,"type":0,"method":"echo","meta":{}}"#, request("1", Method::Echo, ""));
}

#[test]
fn wrong_meta_is_told_by_its_field() {
    for (meta, field) in [
        ("1", "meta must be an object"),
        ("null", "meta must be an object"),
        (r#"{"traceparent":1}"#, "meta.traceparent"),
        (r#"{"tracestate":["a"]}"#, "meta.tracestate"),
        (r#"{"timeout_ms":0}"#, "meta.timeout_ms"),
        (r#"{"timeout_ms":-1}"#, "meta.timeout_ms"),
        (r#"{"timeout_ms":1.5}"#, "meta.timeout_ms"),
        (r#"{"timeout_ms":"1"}"#, "meta.timeout_ms"),
        (r#"{"timeout_ms":18446744073709551616}"#, "meta.timeout_ms"),
        (r#"{"timeout_ms":1,"timeout_ms":2}"#, "twice"),
        (r#"{"x":1,"x":2}"#, "twice"),
    ] {
        let frame = format!(r#"{{"id":1,"type":0,"method":"echo","meta":{meta}}}"#);
        check_refused(&frame, Some("1"), &[field]);
    }
    check_refused(
        r#"{"id":1,"type":0,"method":"echo","meta":{},"meta":{}}"#,
        Some("1"),
        &["byte 43", "twice"],
    );
}

#[test]
fn a_rejection_names_the_method_by_number_where_it_could_be_read() {
    let mut codes = Vec::new();
    for frame in [r#"{"type":0,"method":"echo"}"#, r#"{"type":0,"method":"other"}"#, r#"{"type":0}"#] {
        text::decode(frame, &Limits::default(), |message| {
            codes.push(message.expect_err("it has no id").method_code);
        });
    }
    assert_eq!(codes, [15, 0, 0]);
}

#[test]
fn what_is_no_object_is_refused() {
    for frame in ["1", "\"hello\"", "null", " true "] {
        check_refused(frame, None, &["must be a JSON object"]);
    }
    for (frame, place) in [("", "byte 0"), ("hello", "byte 0"), ("{} {}", "byte 3"), ("{\"id\":1", "byte 7")]
    {
        one_text(frame).is_rejection(
            frame.starts_with("{\"id").then_some("1"),
            ErrorCode::InvalidMessage,
            &[place],
        );
    }
}

#[test]
fn the_id_goes_back_also_from_broken_json_if_it_stood_before() {
    check_refused(r#"{"id":"a","type":0,"method":"echo","params":{]}"#, Some("\"a\""), &["byte 45"]);
    check_refused(r#"{"type":0,"params":{],"id":"a"}"#, None, &["byte 20"]);
}

#[test]
fn depth_is_counted_from_the_envelope() {
    let frame = |depth: usize| {
        let params = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        format!(r#"{{"id":1,"type":0,"method":"echo","params":{params}}}"#)
    };
    one_text(&frame(63)).is_message();
    check_refused(&frame(64), Some("1"), &["nested too deeply"]);
}
