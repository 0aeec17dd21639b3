//! Pings and pongs, those of frames and those of messages, and too many of them.

use serde_json::json;
use tests::{Draft, Gateway, Opcode, Packet, Type};

#[test]
fn a_ping_is_answered_with_its_payload() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for payload in [&b""[..], b"hello", &[0xFF; 125]] {
        client.draft(&Draft::new(Opcode::PING, payload));
        assert_eq!(client.frame_of(Opcode::PONG, "a pong").payload, payload);
    }
}

#[test]
fn pongs_that_nobody_asked_for_are_ignored() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for _ in 0..10 {
        client.draft(&Draft::new(Opcode::PONG, b"unasked"));
    }
    client.check_alive();
}

#[test]
fn a_ping_message_is_answered_with_a_pong_message() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&json!({"type": 4}));
    assert_eq!(client.message(), json!({"type": 5}));
    client.json(&json!({"id": "p-1", "type": 4}));
    assert_eq!(client.message(), json!({"id": "p-1", "type": 5}));
    client.json(&json!({"id": "p-2", "type": 5}));
    let mut client = gateway.connect_binary();
    client.packet(&Packet::new(Type::PING, 42, 0, b""));
    assert_eq!(client.reply(), Packet::new(Type::PONG, 42, 0, b""));
}

#[test]
fn messages_that_answer_nothing_are_ignored() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.json(&json!({"id": 1, "type": 1, "result": 5}));
    client.json(&json!({"id": 1, "type": 3, "error": {"code": 4003, "message": "?"}}));
    client.json(&json!({"id": 1, "type": 5}));
    client.check_alive();
}

#[test]
fn ping_flood() {
    let gateway = Gateway::with(|config| config.websocket.max_pings_per_second = 3);
    let mut client = gateway.connect();
    let ping = Draft::new(Opcode::PING, b"x").bytes();
    // On average over ten seconds: 30 are fine, in whatever burst.
    client.send(&ping.repeat(30));
    for _ in 0..30 {
        client.frame_of(Opcode::PONG, "a pong");
    }
    client.check_alive();
    client.send(&ping.repeat(30));
    loop {
        let frame = client.frame("a pong or the close");
        if frame.opcode == Opcode::CLOSE {
            let (code, reason) = frame.close();
            assert_eq!(code, 4429);
            assert!(reason.contains('3') && reason.contains("ping"), "{reason:?}");
            break;
        }
    }
    drop(client);
    gateway.await_metric("websocket_connections_closed_total{code=\"flooding\"}", 1.0);
    gateway.connect().check_alive();
}

#[test]
fn a_flood_of_pings_inside_of_a_fragmented_message_is_one_too() {
    let gateway = Gateway::with(|config| config.websocket.max_pings_per_second = 1);
    let mut client = gateway.connect();
    client.draft(&Draft::text("").unfinished());
    client.send(&Draft::new(Opcode::PING, b"").bytes().repeat(11));
    for _ in 0..10 {
        client.frame_of(Opcode::PONG, "a pong");
    }
    // The pong of the last one may still come.
    let mut frame = client.frame("the close");
    if frame.opcode == Opcode::PONG {
        frame = client.frame("the close");
    }
    assert_eq!(frame.close().0, 4429);
}
