//! What operators see: one number for each thing that happens.

use tests::{Draft, Gateway};

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
