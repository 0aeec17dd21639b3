//! Batches, which 2025-03-26 alone has.

use crate::Peer;
use crate::peer::{BOTH, check_stream, heard};
use serde_json::{Value, json};
use tests::Gateway;

fn request(id: u32, method: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": method})
}

/// Told, and asks for nothing.
fn notification() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})
}

#[test]
fn each_message_of_a_batch_is_answered_on_one_stream() {
    let gateway = Gateway::start();
    let peer = Peer::legacy(&gateway, "2025-03-26", &json!({}));
    let batch = json!([
        request(1, "ping"),
        notification(),
        7,
        request(2, "tools/list"),
        request(3, "initialize"),
        request(4, "x")
    ]);
    let mut http = peer.send_own(BOTH, &[], &batch);
    check_stream(&mut http);
    let mut answers: Vec<Value> = (0..5).map(|_| heard(&mut http)).collect();
    http.stream_ended();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    let codes: Vec<_> = answers.iter().map(|answer| answer["error"]["code"].clone()).collect();
    assert_eq!(codes, [json!(-32600), Value::Null, Value::Null, json!(-32600), json!(-32601)], "{answers:?}");
    assert_eq!(answers[1]["result"], json!({}));
    assert!(answers[2]["result"]["tools"].is_array(), "{answers:?}");
}

#[test]
fn a_batch_that_asks_for_nothing_is_taken() {
    let gateway = Gateway::start();
    let peer = Peer::legacy(&gateway, "2025-03-26", &json!({}));
    let answer = peer.post_own(&json!([notification(), notification()]));
    assert_eq!((answer.status, answer.text()), (202, String::new()));
}

#[test]
fn a_client_that_takes_json_alone_gets_one_array() {
    let gateway = Gateway::start();
    let peer = Peer::legacy(&gateway, "2025-03-26", &json!({}));
    let batch = json!([request(1, "ping"), request(2, "ping")]);
    let answer = peer.send_own("application/json", &[], &batch).response();
    assert_eq!((answer.status, answer.header("Content-Type")), (200, Some("application/json")));
    let mut answers = answer.json().as_array().expect("an array").clone();
    answers.sort_by_key(|answer| answer["id"].as_u64());
    let expected = [1, 2].map(|id| json!({"jsonrpc": "2.0", "id": id, "result": {}}));
    assert_eq!(answers, expected);
}

#[test]
fn a_batch_is_bounded_and_no_other_version_has_any() {
    let gateway = Gateway::with(|config| config.websocket.message_batch_size = 2);
    let peer = Peer::legacy(&gateway, "2025-03-26", &json!({}));
    let all = vec![request(1, "ping"); 3];
    for (peer, batch) in [
        (&peer, json!(all)),
        (&peer, json!([])),
        (&Peer::legacy(&gateway, "2025-06-18", &json!({})), json!([request(1, "ping")])),
        (&Peer::legacy(&gateway, "2025-11-25", &json!({})), json!([request(1, "ping")])),
    ] {
        let answer = peer.post_own(&batch);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!(-32600)), "{batch}");
    }
}
