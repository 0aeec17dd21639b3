//! JSON that is not accepted: each message is answered with 4000 and the connection goes on.

use serde_json::{Value, json};
use tests::{Client, Gateway, Packet};

/// The text is answered with 4000 about this id, and words that name what was wrong.
fn check_answer(client: &mut Client, text: &str, id: &Value, named: &str) {
    client.text(text);
    let error = client.error(id, 4000);
    let shown: String = text.chars().take(100).collect();
    assert!(error.contains(named), "{shown} was answered with {error:?}, without {named:?}");
}

fn check(texts: &[(&str, Value, &str)]) {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for (text, id, named) in texts {
        check_answer(&mut client, text, id, named);
    }
    client.check_alive();
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", texts.len() as f64);
}

#[test]
fn json_depth_100k() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        check_answer(&mut client, &deep, &Value::Null, "deep");
        let params = format!(r#"{{"id":7,"type":0,"method":"echo","params":{deep}}}"#);
        check_answer(&mut client, &params, &json!(7), "deep");
        // Nor without an end.
        check_answer(&mut client, &open.repeat(150_000), &Value::Null, "deep");
    }
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 6.0);
    client.check_alive();
}

fn echo_of_depth(depth: usize) -> String {
    // The envelope itself is one level.
    let (open, close) = ("[".repeat(depth - 1), "]".repeat(depth - 1));
    format!(r#"{{"id":1,"type":0,"method":"echo","params":{open}{close}}}"#)
}

#[test]
fn a_depth_of_max_json_depth_is_accepted_and_one_more_is_not() {
    for limit in [8, 64] {
        let gateway = Gateway::with(|config| config.websocket.max_json_depth = limit);
        let mut client = gateway.connect();
        client.text(&echo_of_depth(limit));
        client.result_of(1);
        check_answer(&mut client, &echo_of_depth(limit + 1), &json!(1), "deep");
        let mut client = gateway.connect_binary();
        client.packet(&Packet::echo(1, "[".repeat(limit).as_bytes()));
        assert!(!client.reply().error(1, 4000).contains("deep"), "it is not closed, but not too deep");
        client.packet(&Packet::echo(2, format!("{}{}", "[".repeat(limit), "]".repeat(limit)).as_bytes()));
        assert_eq!(client.reply().sequence_id, 2);
        client.packet(&Packet::echo(
            3,
            format!("{}{}", "[".repeat(limit + 1), "]".repeat(limit + 1)).as_bytes(),
        ));
        assert!(client.reply().error(3, 4000).contains("deep"));
    }
}

#[test]
fn json_1e999() {
    check(&[
        (r#"{"id":1,"type":0,"method":"echo","params":1e999}"#, json!(1), "range"),
        (r#"{"id":2,"type":0,"method":"echo","params":[-1E+400]}"#, json!(2), "range"),
        (r#"{"id":1e999,"type":4}"#, Value::Null, "range"),
    ]);
}

#[test]
fn json_duplicate_keys() {
    check(&[
        (r#"{"id":1,"id":2,"type":4}"#, json!(1), "twice"),
        (r#"{"id":1,"type":0,"method":"echo","method":"tool.execute"}"#, json!(1), "twice"),
        (r#"{"id":1,"type":0,"method":"echo","params":{"a":1,"a":2}}"#, json!(1), "twice"),
        (r#"{"id":1,"type":0,"method":"echo","params":{"a":1,"\u0061":2}}"#, json!(1), "twice"),
        (r#"{"id":1,"type":4,"x":1,"x":2}"#, json!(1), "twice"),
        (r#"{"id":1,"typ\u0065":4,"type":5}"#, json!(1), "twice"),
    ]);
}

#[test]
fn json_lone_surrogate() {
    check(&[
        (r#"{"id":1,"type":0,"method":"echo","params":"\ud800"}"#, json!(1), "surrogate"),
        (r#"{"id":1,"type":0,"method":"echo","params":"\udc00"}"#, json!(1), "surrogate"),
        (r#"{"id":1,"type":0,"method":"echo","params":{"\ud800x":1}}"#, json!(1), "surrogate"),
        (r#"{"id":1,"type":0,"method":"echo","params":"\ud800\ud800"}"#, json!(1), "surrogate"),
    ]);
}

#[test]
fn json_not_utf8() {
    // In a text frame RFC 6455 has the say (see `utf8`); in a binary payload this is ours.
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    for (id, wrong) in [&b"\"\xFF\""[..], b"\"\xC3\"", b"\"\xED\xA0\x80\""].iter().enumerate() {
        client.packet(&Packet::echo(id as u64, wrong));
        assert!(client.reply().error(id as u64, 4000).contains("UTF-8"));
    }
    client.packet(&Packet::echo(9, b"1"));
    assert_eq!(client.reply().payload, b"1");
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 3.0);
}

#[test]
fn json_trailing() {
    check(&[
        (r#"{"id":1,"type":4}x"#, json!(1), "end"),
        (r#"{"id":1,"type":4}{"id":2,"type":4}"#, json!(1), "end"),
        (r#"{"id":1,"type":4},"#, json!(1), "end"),
        ("{\"id\":1,\"type\":4}\0", json!(1), "end"),
        (r#"[{"id":1,"type":4}]]"#, Value::Null, "end"),
        (r#"{"id":1,"type":4,}"#, json!(1), "key"),
    ]);
}

#[test]
fn what_is_no_json_at_all() {
    let texts = [
        "",
        " ",
        "x",
        "{",
        "}",
        "[",
        "{\"id\"",
        "{\"id\":}",
        "{id:1}",
        "{'id':1}",
        "[{\"type\":4},]",
        "nul",
        "// hi",
        "\u{feff}{\"type\":4}",
        "{\"type\":04}",
        "{\"type\":+4}",
        "{\"type\":.4}",
        "{\"type\":4.}",
        "\"\t\"",
        "NaN",
        "Infinity",
    ];
    let texts: Vec<_> = texts.iter().map(|text| (*text, Value::Null, "invalid JSON")).collect();
    check(&texts);
}

#[test]
fn what_is_json_but_no_message() {
    check(&[
        ("1", Value::Null, "object"),
        ("\"text\"", Value::Null, "object"),
        ("null", Value::Null, "object"),
        ("{}", Value::Null, "type"),
        (r#"{"id":1}"#, json!(1), "type"),
        (r#"{"id":1,"type":6,"method":"echo"}"#, json!(1), "unknown type 6"),
        (r#"{"id":1,"type":-1,"method":"echo"}"#, json!(1), "unknown type -1"),
        (r#"{"id":1,"type":"0","method":"echo"}"#, json!(1), "type must be an integer"),
        (r#"{"id":1,"type":0.0,"method":"echo"}"#, json!(1), "type must be an integer"),
        (r#"{"id":1,"type":null,"method":"echo"}"#, json!(1), "type"),
        (r#"{"id":1,"type":0}"#, json!(1), "method is missing"),
        (r#"{"id":1,"type":0,"method":""}"#, json!(1), "method is empty"),
        (r#"{"id":1,"type":0,"method":7}"#, json!(1), "method must be"),
        (r#"{"id":1,"type":0,"method":null}"#, json!(1), "method must be"),
        (r#"{"type":2}"#, Value::Null, "method is missing"),
        (r#"{"id":1,"type":0,"method":"echo","meta":5}"#, json!(1), "meta must be an object"),
        (r#"{"id":1,"type":0,"method":"echo","meta":{"timeout_ms":"5"}}"#, json!(1), "meta.timeout_ms"),
        (r#"{"id":1,"type":0,"method":"echo","meta":{"timeout_ms":0}}"#, json!(1), "meta.timeout_ms"),
        (r#"{"id":1,"type":0,"method":"echo","meta":{"traceparent":5}}"#, json!(1), "meta.traceparent"),
    ]);
}

#[test]
fn unknown_fields_are_ignored_and_whitespace_is_fine() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.text(" \t\r\n{ \"later\" : {\"x\":[1,2]}, \"id\":1 , \"type\" :0,\"method\":\"echo\",\"params\" : [ 1 ] }\n");
    assert_eq!(client.result_of(1), json!([1]));
}

#[test]
fn an_unknown_method_is_told_from_a_wrong_message() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let error = client.ask_wrong("no.such", &json!({}), 4004);
    assert!(error.contains("no.such"), "{error}");
    gateway.await_metric("websocket_errors_total{type=\"method_not_found\"}", 1.0);
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 0.0);
}
