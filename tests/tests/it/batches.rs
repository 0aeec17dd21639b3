//! Several messages in one frame.

use serde_json::{Value, json};
use tests::{Flags, Gateway, Packet};

fn echoes(count: usize) -> Value {
    (0..count).map(|id| json!({"id": id, "type": 0, "method": "echo", "params": {"n": id}})).collect()
}

#[test]
fn a_batch_of_ten_is_answered_in_order() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&echoes(10));
    for id in 0..10 {
        assert_eq!(client.result_of(id), json!({"n": id}));
    }
    client.check_alive();
}

#[test]
fn a_batch_of_message_batch_size_is_answered_and_one_more_is_not() {
    for limit in [3, 100] {
        let gateway = Gateway::with(|config| config.websocket.message_batch_size = limit);
        let mut client = gateway.connect();
        client.json(&echoes(limit));
        for id in 0..limit {
            client.result_of(id as u64);
        }
        client.json(&echoes(limit + 1));
        let error = client.error(&Value::Null, 4000);
        assert!(error.contains(&limit.to_string()) && error.contains("batch"), "{error}");
        // None of it was executed.
        client.check_alive();
        gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 1.0);
        let echoed =
            gateway.metrics().count("websocket_messages_received_total{type=\"request\",method=\"echo\"}");
        assert_eq!(echoed, limit as f64 + 1.0);
    }
}

#[test]
fn batch_over_limit() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&echoes(10_000));
    assert!(client.error(&Value::Null, 4000).contains("10000"));
    client.text(&format!("[{}1]", "1,".repeat(400_000)));
    assert!(client.error(&Value::Null, 4000).contains("batch of 400001"));
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 2.0);
    client.check_alive();
}

#[test]
fn batch_empty() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for empty in ["[]", " [ \n] "] {
        client.text(empty);
        assert!(client.error(&Value::Null, 4000).contains("empty batch"));
    }
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 2.0);
    client.check_alive();
}

#[test]
fn batch_nested() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&json!([[{"id": 1, "type": 4}], {"id": 2, "type": 4}]));
    assert!(client.error(&Value::Null, 4000).contains("nest"));
    // The others are messages all the same.
    assert_eq!(client.message(), json!({"id": 2, "type": 5}));
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 1.0);
}

#[test]
fn one_wrong_message_does_not_spoil_its_batch() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&json!([
        {"id": 1, "type": 0, "method": "echo", "params": "first"},
        {"id": 2, "type": 9},
        7,
        {"id": 3, "type": 0, "method": "echo", "params": "last"},
    ]));
    assert_eq!(client.result_of(1), "first");
    assert!(client.error(&json!(2), 4000).contains("type 9"));
    assert!(client.error(&Value::Null, 4000).contains("element 2"));
    assert_eq!(client.result_of(3), "last");
}

#[test]
fn a_batch_that_is_no_json_is_not_executed_in_part() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.text(r#"[{"id":1,"type":0,"method":"echo","params":1},{"id":2,"#);
    assert!(client.error(&Value::Null, 4000).contains("invalid JSON"));
    client.check_alive();
}

#[test]
fn binary_packets_behind_each_other_and_in_a_batch_are_answered_in_order() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    let ten: Vec<u8> = (1..=10).flat_map(|id| Packet::echo(id, b"[]").bytes()).collect();
    let batch = Packet { flags: Flags::BATCH, ..Packet::request(0, 0, &ten) };
    for frame in [ten, batch.bytes()] {
        client.draft(&tests::Draft::binary(&frame));
        for id in 1..=10 {
            assert_eq!(client.reply().sequence_id, id);
        }
    }
}

#[test]
fn binary_batches_over_the_limit_empty_and_nested() {
    let gateway = Gateway::with(|config| config.websocket.message_batch_size = 4);
    let mut client = gateway.connect_binary();
    let echoes = |count| (1..=count).flat_map(|id| Packet::echo(id, b"1").bytes()).collect::<Vec<u8>>();
    let batch = |payload: &[u8]| Packet { flags: Flags::BATCH, ..Packet::request(77, 0, payload) };
    client.draft(&tests::Draft::binary(&echoes(4)));
    for id in 1..=4 {
        assert_eq!(client.reply().sequence_id, id);
    }
    client.draft(&tests::Draft::binary(&echoes(5)));
    assert!(client.reply().error(0, 4000).contains("more than 4"));
    client.packet(&batch(&echoes(5)));
    assert!(client.reply().error(0, 4000).contains("more than 4"));
    client.packet(&batch(b""));
    assert!(client.reply().error(77, 4000).contains("empty batch"));
    client.packet(&batch(&batch(&echoes(1)).bytes()));
    assert!(client.reply().error(77, 4000).contains("nest"));
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", 4.0);
}

#[test]
fn answers_over_the_high_water_stop_inside_a_frame_and_all_come_in_order() {
    let gateway = Gateway::with(|config| config.websocket.write_high_water = 1);
    let payload = "p".repeat(20_000);

    let mut client = gateway.connect();
    let batch: Value =
        (0..40).map(|id| json!({"id": id, "type": 0, "method": "echo", "params": payload})).collect();
    client.json(&batch);
    client.request("\"behind\"", "echo", &json!("it"));
    for id in 0..40 {
        assert_eq!(client.result_of(id), json!(payload));
    }
    assert_eq!(client.result("\"behind\""), json!("it"));

    let mut client = gateway.connect_binary();
    let quoted = json!(payload).to_string();
    let echoes: Vec<u8> = (1..=40).flat_map(|id| Packet::echo(id, quoted.as_bytes()).bytes()).collect();
    client.draft(&tests::Draft::binary(&echoes));
    client.packet(&Packet::echo(41, quoted.as_bytes()));
    for id in 1..=41 {
        let reply = client.reply();
        assert_eq!((reply.sequence_id, reply.payload.len()), (id, quoted.len()));
    }
    let echoed =
        gateway.metrics().count("websocket_messages_received_total{type=\"request\",method=\"echo\"}");
    assert_eq!(echoed, 82.0, "each message is handled once");
}
