//! What operators see: one number for each thing that happens, and no more series than there are things.

use serde_json::json;
use tests::{Draft, Gateway, Packet};

/// Everything that a client names, named as nobody ever did.
fn flood(gateway: &Gateway, salt: u32) {
    let mut client = gateway.connect();
    for n in 0..100 {
        let name = format!("x{salt}.{n}");
        client.json(&json!([
            {"id": 1, "type": 0, "method": name},
            {"id": 2, "type": 10 + n + salt, "method": "echo"},
            {"id": 3, "type": 0, "method": "tool.execute", "params": {"tool": name}},
            {"type": 2, "method": name},
            {"id": 4, "type": 0, "method": "initialize", "params": {"client": {"name": name}}},
        ]));
        for _ in 0..4 {
            client.message();
        }
        let request = gateway.upgrade().line(&format!("GET /{name} HTTP/1.1"));
        assert_eq!(gateway.ask(&request).status, 404);
    }
    let mut client = gateway.connect_binary();
    for n in 0..100 {
        client.packet(&Packet::request(1, 1_000 + salt as u16 * 100 + n, b"{}"));
        client.reply();
    }
    for code in 0..20 {
        let mut client = gateway.connect();
        client.draft(&Draft::close(3_000 + salt as u16 * 20 + code, b""));
        client.frame("the close");
    }
}

#[test]
fn label_flood() {
    let gateway = Gateway::start();
    flood(&gateway, 1);
    let before = gateway.metrics();
    flood(&gateway, 2);
    let after = gateway.metrics();
    assert_eq!(before.names(), after.names());
    assert!(before.names().len() < 250, "{} series", before.names().len());
    let custom = "websocket_messages_received_total{type=\"request\",method=\"custom\"}";
    assert_eq!((before.value(custom), after.value(custom)), (100.0, 200.0));
}

#[test]
fn connections_are_counted_while_they_are_open_and_once() {
    let gateway = Gateway::start();
    let clients: Vec<_> = (0..5).map(|_| gateway.connect()).collect();
    gateway.await_metric("websocket_connections_active", 5.0);
    gateway.await_metric("websocket_connections_total", 5.0);
    drop(clients);
    gateway.await_no_connections();
    gateway.await_metric("websocket_connections_closed_total{code=\"abrupt\"}", 5.0);
    assert_eq!(gateway.metrics().value("websocket_connections_total"), 5.0);
}

#[test]
fn bytes_are_counted_as_they_go_over_the_wire() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let draft = Draft::text(r#"{"id":1,"type":0,"method":"echo","params":1}"#);
    client.draft(&draft);
    let frame = client.frame("an echo");
    gateway.await_metric("websocket_bytes_received_total", draft.bytes().len() as f64);
    gateway.await_metric("websocket_bytes_sent_total", frame.payload.len() as f64 + 2.0);
}

#[test]
fn latencies_have_twenty_buckets_from_ten_microseconds() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.check_alive();
    gateway.await_metric("websocket_message_latency_seconds_count", 1.0);
    let metrics = gateway.metrics();
    let buckets: Vec<_> = metrics
        .names()
        .into_iter()
        .filter(|name| name.starts_with("websocket_message_latency_seconds_bucket"))
        .collect();
    assert_eq!(buckets.len(), 21, "{buckets:?}");
    assert_eq!(metrics.value("websocket_message_latency_seconds_bucket{le=\"+Inf\"}"), 1.0);
}

#[test]
fn the_operators_port_knows_its_paths_alone() {
    let gateway = Gateway::start();
    for (path, status) in [
        ("/health/live", 200),
        ("/health/ready", 200),
        ("/metrics", 200),
        ("/", 404),
        ("/ws", 404),
        ("/metrics/", 404),
    ] {
        assert_eq!(gateway.admin(path).status, status, "{path}");
    }
}
