//! What goes over an encrypted connection: the same as over one in the clear.

use crate::{NAME, Setting, connect, open};
use serde_json::json;
use tests::{Client, Draft, Gateway, Http, Packet, Socket, Tools, until};

#[test]
fn both_formats_are_spoken_under_tls() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut client = connect(&gateway, &setting.trust());
    client.check_alive();
    // Many at once are answered in order.
    for id in 0..500 {
        client.request(&format!("r{id}"), "echo", &json!({"n": id}));
    }
    for id in 0..500 {
        assert_eq!(client.result(&format!("r{id}")), json!({"n": id}));
    }
    let request = gateway.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1.binary");
    let mut client = gateway.accepted_on(open(&gateway, &setting.trust()), &request);
    client.packet(&Packet::echo(7, b"[1]"));
    let reply = client.reply();
    assert_eq!((reply.sequence_id, reply.json()), (7, json!([1])), "{reply:?}");
}

#[test]
fn rest_is_served_under_tls() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let _tools = Tools::at(&gateway);
    let mut http = Http::over(open(&gateway, &setting.trust()), &gateway.keys.token());
    until("the tool", || (http.get("/tools/echo").status == 200).then_some(()));
    // Longer than a record, both ways.
    let text = "x".repeat(300_000);
    let answer = http.post("/tools/echo/execute", &json!({"args": {"text": text}}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text().contains(&text), "another text comes back");
}

#[test]
fn a_message_of_a_mib_goes_both_ways() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| {
        config.websocket.max_message_size = 2 << 20;
        config.websocket.max_frame_size = 2 << 20;
    });
    let mut client = connect(&gateway, &setting.trust());
    let text = "0123456789abcdef".repeat(1 << 16);
    for _ in 0..3 {
        assert_eq!(client.ask("echo", &json!({"text": text}))["text"], text);
    }
    client.check_alive();
}

/// A client that takes little at a time, and so many requests of 60 kB that were sent and whose answers it does not read.
fn unread(gateway: &Gateway, setting: &Setting, count: usize) -> (Client, String) {
    let socket = Socket::connect_narrow(gateway.clients);
    let socket = socket.under_tls(&setting.trust().config(), NAME).expect("a handshake");
    let mut client = gateway.accepted_on(socket, &gateway.upgrade());
    let text = "y".repeat(60_000);
    let received = "websocket_messages_received_total{type=\"request\",method=\"echo\"}";
    for number in 1..=count {
        client.request(&format!("r{number}"), "echo", &json!(text));
        // Each is answered by itself, so that what is left over is now a part of one and now all of many.
        until("the request to come", || (gateway.metrics().count(received) == number as f64).then_some(()));
    }
    (client, text)
}

#[test]
fn answers_that_are_not_read_wait_and_then_come() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| config.websocket.write_high_water = 8 << 20);
    let count = 100;
    let (mut client, text) = unread(&gateway, &setting, count);
    for number in 1..=count {
        assert_eq!(client.result(&format!("r{number}")), text);
    }
    client.check_alive();
}

#[test]
fn a_client_that_reads_nothing_is_dropped_in_time() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| {
        config.websocket.write_high_water = 8 << 20;
        config.websocket.write_timeout_ms = 500;
    });
    let (_client, _) = unread(&gateway, &setting, 10);
    gateway.await_metric("websocket_connections_closed_total{code=\"abrupt\"}", 1.0);
}

#[test]
fn keys_are_changed_on_the_way() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut client = connect(&gateway, &setting.trust());
    for _ in 0..5 {
        client.refresh_keys();
        client.check_alive();
    }
}

#[test]
fn a_close_ends_with_close_notify() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut client = connect(&gateway, &setting.trust());
    client.check_alive();
    client.draft(&Draft::close(1000, b""));
    client.closed(1000);
    assert!(client.was_told_the_end(), "the end was not told under TLS");
    gateway.await_metric("websocket_connections_closed_total{code=\"normal\"}", 1.0);
}

#[test]
fn a_drain_tells_connections_under_tls_to_go() {
    let setting = Setting::new();
    let mut gateway = setting.gateway(|_| {});
    let mut clients: Vec<_> = (0..10).map(|_| connect(&gateway, &setting.trust())).collect();
    for client in &mut clients {
        client.check_alive();
    }
    gateway.drain();
    for client in &mut clients {
        assert_eq!(client.message()["method"], "session.migrate");
        client.closed(1012);
    }
    gateway.await_end();
}
