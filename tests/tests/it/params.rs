//! Params of the gateway's own methods that have the wrong shape: 4005, and the message names the field.

use serde_json::{Value, json};
use tests::Gateway;

#[test]
fn params_wrong_shape() {
    let wrong: &[(&str, Value, &str)] = &[
        ("tool.execute", json!([]), "params"),
        ("tool.execute", json!("fs.read"), "params"),
        ("tool.execute", Value::Null, "params"),
        ("tool.execute", json!({}), "params.tool"),
        ("tool.execute", json!({"tool": 5}), "params.tool"),
        ("tool.execute", json!({"tool": ["sleep"]}), "params.tool"),
        ("tool.execute", json!({"tool": null}), "params.tool"),
        ("tool.execute", json!({"tool": "sleep", "timeout_ms": "5"}), "params.timeout_ms"),
        ("tool.execute", json!({"tool": "sleep", "timeout_ms": 0}), "params.timeout_ms"),
        ("tool.execute", json!({"tool": "sleep", "timeout_ms": -1}), "params.timeout_ms"),
        ("tool.execute", json!({"tool": "sleep", "timeout_ms": 1.5}), "params.timeout_ms"),
        ("tool.execute", json!({"tool": "sleep", "context_id": 5}), "params.context_id"),
        ("tool.list", json!({"prefix": 5}), "params.prefix"),
        ("tool.list", json!([]), "params"),
        ("tool.cancel", json!({}), "params.id"),
        ("tool.cancel", json!({"id": {}}), "params.id"),
        ("tool.cancel", json!({"id": true}), "params.id"),
        ("tool.cancel", json!({"id": [1]}), "params.id"),
        ("session.refresh", json!({}), "params.token"),
        ("session.refresh", json!({"token": 5}), "params.token"),
        ("session.refresh", json!([5]), "params"),
        ("initialize", json!([]), "params"),
        ("initialize", json!({"compression": "deflate"}), "params.compression"),
        ("initialize", json!({"compression": [5]}), "params.compression"),
        ("initialize", json!({"token": 5}), "params.token"),
    ];
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for (method, params, named) in wrong {
        let error = client.ask_wrong(method, params, 4005);
        assert!(error.contains(named), "{method} {params} was answered with {error:?}, without {named:?}");
    }
    gateway.await_metric("websocket_errors_total{type=\"invalid_params\"}", wrong.len() as f64);
    // None of it counts as initialized.
    client.ask("initialize", &json!({}));
}

#[test]
fn a_value_in_an_error_is_cut_to_a_bearable_length() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let long = "é".repeat(100_000);
    let texts = [
        client.ask_wrong("tool.execute", &json!({"tool": [long]}), 4005),
        client.ask_wrong("tool.execute", &json!({"tool": long}), 4010),
        client.ask_wrong(&long, &json!({}), 4004),
    ];
    for text in texts {
        assert!(text.len() < 1_000, "an error text of {} bytes", text.len());
    }
}

#[test]
fn initialize_is_answered_once() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let result = client.ask("initialize", &json!({"client": {"name": "it", "version": "1"}}));
    assert_eq!(result["resumed"], json!(false));
    assert!(result["session_id"].as_str().is_some_and(|id| id.len() == 36), "{result}");
    assert_eq!(result["limits"]["max_message_size"], 1 << 20);
    let error = client.ask_wrong("initialize", &json!({}), 4005);
    assert!(error.contains("initialize"), "{error}");
    client.check_alive();
}

#[test]
fn a_tool_that_nobody_has_is_4010() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let error = client.ask_wrong("tool.execute", &json!({"tool": "no.such"}), 4010);
    assert!(error.contains("no.such") && error.contains("tool.list"), "{error}");
    gateway.await_metric("websocket_errors_total{type=\"not_found\"}", 1.0);
}

#[test]
fn cancelling_what_does_not_run_is_no_error() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for id in [json!("never"), json!(5)] {
        assert_eq!(client.ask("tool.cancel", &json!({"id": id})), json!({"cancelled": false}));
    }
}
