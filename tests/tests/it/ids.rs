//! Ids of requests: what they may be, and that they come back as the same token.

use serde_json::{Value, json};
use tests::Gateway;

#[test]
fn id_missing_empty_129_object() {
    let long = "x".repeat(129);
    let wide = "é".repeat(65);
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let wrong = [
        (None, "id is missing"),
        (Some(json!("")), "id is empty"),
        (Some(json!(long)), "id has 129 bytes"),
        (Some(json!(wide)), "id has 130 bytes"),
        (Some(json!({})), "id is an object"),
        (Some(json!([])), "id is an array"),
        (Some(json!(true)), "id is a boolean"),
        (Some(Value::Null), "id is null"),
        (Some(json!(1.5)), "id is a number"),
    ];
    for (id, named) in &wrong {
        let mut message = json!({"type": 0, "method": "echo"});
        if let Some(id) = id {
            message["id"] = id.clone();
        }
        client.json(&message);
        let error = client.error(&Value::Null, 4000);
        assert!(error.contains(named), "{id:?} was answered with {error:?}");
    }
    for raw in ["1e3", "18446744073709551616", "-9223372036854775809", "1.0"] {
        client.text(&format!(r#"{{"id":{raw},"type":0,"method":"echo"}}"#));
        assert!(client.error(&Value::Null, 4000).contains("id is a number"), "{raw}");
    }
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", wrong.len() as f64 + 4.0);
    client.check_alive();
}

#[test]
fn ids_come_back_as_the_same_token() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let longest = format!("\"{}\"", "x".repeat(128));
    let escaped = format!("\"{}\"", "\\u0041".repeat(128));
    let tokens = [
        "0",
        "1",
        "-1",
        "18446744073709551615",
        "-9223372036854775808",
        "\"a\"",
        "\"1\"",
        r#""\u0041\n\"""#,
        "\"é😀\"",
        &longest,
        &escaped,
    ];
    for token in tokens {
        client.text(&format!(r#"{{"id":{token},"type":0,"method":"echo","params":1}}"#));
        let frame = client.frame("an echo");
        assert_eq!(frame.text(), format!(r#"{{"id":{token},"type":1,"result":1}}"#));
    }
}

#[test]
fn a_notification_is_not_answered_and_has_no_id() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&json!({"type": 2, "method": "echo", "params": 1}));
    client.json(&json!({"type": 2, "method": "no.such"}));
    client.json(&json!({"id": 5, "type": 2, "method": "echo"}));
    assert!(client.error(&json!(5), 4000).contains("notification"));
    client.check_alive();
}
