//! How connections end: who says what, and what still counts then.

use gateway::Config;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Draft, Gateway, Opcode, Packet, Received, until};

const NORMAL: &str = "websocket_connections_closed_total{code=\"normal\"}";

#[test]
fn a_close_with_1000_is_answered_with_1000() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.draft(&Draft::close(1000, b"done"));
    client.closed(1000);
    gateway.await_metric(NORMAL, 1.0);
    gateway.await_no_connections();
}

#[test]
fn what_was_asked_before_the_close_is_answered_before_it() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let mut bytes = Vec::new();
    for id in 0..50 {
        bytes.extend(
            Draft::text(&json!({"id": id, "type": 0, "method": "echo", "params": id}).to_string()).bytes(),
        );
    }
    bytes.extend(Draft::close(1000, b"").bytes());
    client.send(&bytes);
    for id in 0..50 {
        assert_eq!(client.message()["result"], id);
    }
    client.closed(1000);
}

#[test]
fn session_close_is_answered_and_closes_with_1000() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    assert_eq!(client.ask("session.close", &json!({})), json!({}));
    client.closed(1000);
    let mut client = gateway.connect_binary();
    client.packet(&Packet::request(7, 16, b""));
    assert_eq!(client.reply().sequence_id, 7);
    client.closed(1000);
    gateway.await_metric(NORMAL, 2.0);
}

#[test]
fn data_after_close() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let echo = Draft::text(r#"{"id":1,"type":0,"method":"echo","params":"late"}"#).bytes();
    let ping = Draft::new(Opcode::PING, b"late").bytes();
    let again = Draft::close(1001, b"again").bytes();
    let unmasked = Draft::text("late").unmasked().bytes();
    client.send(&[Draft::close(1000, b"").bytes(), echo.clone(), ping, again, unmasked].concat());
    // Also what comes later.
    client.offer(&echo);
    client.left(1000);
    client.offer(&echo);
    drop(client);
    gateway.await_metric(NORMAL, 1.0);
    gateway.await_metric("websocket_connections_closed_total{code=\"protocol_error\"}", 0.0);
    assert_eq!(
        gateway.metrics().count("websocket_messages_received_total{type=\"request\",method=\"echo\"}"),
        0.0
    );
    gateway.await_no_connections();
}

#[test]
fn messages_after_session_close_are_ignored() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let batch = json!([
        {"id": 1, "type": 0, "method": "session.close"},
        {"id": 2, "type": 0, "method": "echo", "params": "late"},
    ]);
    client.send(&[Draft::text(&batch.to_string()).bytes(), Draft::text("{}").bytes()].concat());
    assert_eq!(client.result_of(1), json!({}));
    client.closed(1000);
}

fn impatient(config: &mut Config) {
    config.websocket.close_timeout_ms = 300;
}

#[test]
fn close_without_reply() {
    let gateway = Gateway::with(impatient);
    let mut client = gateway.connect();
    let start = Instant::now();
    client.draft(&Draft::text("{").unmasked());
    client.left(1002);
    // We say nothing and keep our side open; the gateway does not wait for ever.
    gateway.await_no_connections();
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "given up after {took:?}, before the close timeout");
    gateway.await_metric("websocket_connections_closed_total{code=\"protocol_error\"}", 1.0);
    until("the socket to be closed for both directions", || (!client.offer(b"x")).then_some(()));
}

#[test]
fn a_client_that_floods_after_the_close_is_cut_too() {
    let gateway = Gateway::with(impatient);
    let mut client = gateway.connect();
    client.draft(&Draft::text("{").unmasked());
    client.left(1002);
    until("the gateway to cut a client that goes on sending", || {
        (!client.offer(&[0; 64 * 1024])).then_some(())
    });
    gateway.await_no_connections();
}

#[test]
fn a_client_that_ends_its_side_without_a_close_is_gone() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.check_alive();
    client.finish();
    assert_eq!(client.await_end("the end of the connection"), Received::End);
    gateway.await_metric("websocket_connections_closed_total{code=\"abrupt\"}", 1.0);
    gateway.await_no_connections();
}

#[test]
fn a_client_that_has_ended_its_side_still_gets_its_answers() {
    let gateway = Gateway::start();
    for _ in 0..20 {
        let mut client = gateway.connect();
        for id in 0..5 {
            client.json(&json!({"id": id, "type": 0, "method": "echo", "params": "last words"}));
        }
        client.finish();
        for id in 0..5 {
            assert_eq!(client.result_of(id), "last words");
        }
        client.await_end("the end of the connection");
    }
}
