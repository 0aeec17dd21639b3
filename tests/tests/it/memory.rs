//! Declared sizes cost nothing until the bytes come, and bytes nothing when they have gone.

use serde_json::json;
use std::time::Duration;
use tests::{Client, Draft, Opcode, Process, until_within};

/// So many connections at once, each of which has been answered.
fn connect(process: &Process, count: usize) -> Vec<Client> {
    let request = process.upgrade();
    let mut sockets: Vec<_> = (0..count).map(|_| process.open()).collect();
    for socket in &mut sockets {
        socket.send(&request.bytes());
    }
    let upgraded = sockets.into_iter().map(|mut socket| {
        let response = socket.response();
        response.check_accepts(&request);
        Client::new(socket, response)
    });
    let mut clients: Vec<_> = upgraded.collect();
    for client in &mut clients {
        client.request("here", "echo", &json!({}));
    }
    for client in &mut clients {
        client.result("here");
    }
    clients
}

/// So many connections each send this and fall silent; answers how many bytes of memory each costs beside an
/// idle one.
fn cost_of_each(process: &Process, count: usize, bytes: &[u8]) -> usize {
    let mut clients = Vec::with_capacity(count);
    while clients.len() < count {
        clients.extend(connect(process, 100.min(count - clients.len())));
    }
    let before = process.usage().memory();
    let received = process.metrics().value("websocket_bytes_received_total");
    for client in &mut clients {
        client.send(bytes);
    }
    process.await_metric("websocket_bytes_received_total", received + (count * bytes.len()) as f64);
    process.await_metric("websocket_connections_active", count as f64);
    let cost = process.usage().memory().saturating_sub(before) / count;
    // All are cut when the time for a message is over.
    process.await_metric("websocket_connections_closed_total{code=\"policy_violation\"}", count as f64);
    cost
}

fn start() -> Process {
    crate::process(|config| {
        config.log.level = "info".to_owned();
        config.websocket.max_frame_size = 1 << 30;
        config.websocket.max_message_size = 1 << 30;
        config.websocket.message_timeout_ms = 10_000;
        // However long it takes to open them all.
        config.websocket.ping_interval_ms = 600_000;
        config.websocket.close_timeout_ms = 100;
    })
}

#[test]
fn declared_huge_then_silence() {
    let process = start();
    let head = Draft::text("").eight_bytes_wide().declaring(1 << 30).bytes();
    let cost = cost_of_each(&process, 10_000, &head);
    assert!(cost < 1_000, "{cost} bytes for each declared GiB");
    process.connect().check_alive();
}

#[test]
fn a_gib_declared_behind_a_first_fragment_costs_nothing_either() {
    let process = start();
    let head = Draft::new(Opcode::CONTINUATION, b"").eight_bytes_wide().declaring((1 << 30) - 1).bytes();
    let bytes = [Draft::new(Opcode::TEXT, b"x").unfinished().bytes(), head].concat();
    let cost = cost_of_each(&process, 500, &bytes);
    assert!(cost < 1_500, "{cost} bytes for each declared GiB");
}

/// Each of some thousands of connections has a message of 100 KB under way, all of them at once.
#[test]
fn the_memory_of_a_burst_is_given_back_within_thirty_seconds() {
    const CONNECTIONS: usize = 2_000;
    const BYTES: usize = 100 * 1024;
    let process = crate::process(|config| {
        config.log.level = "info".to_owned();
        config.websocket.message_timeout_ms = 600_000;
        config.websocket.ping_interval_ms = 600_000;
    });
    let mut clients = Vec::with_capacity(CONNECTIONS);
    while clients.len() < CONNECTIONS {
        clients.extend(connect(&process, 100.min(CONNECTIONS - clients.len())));
    }
    let idle = process.usage().memory();

    let message = json!({ "id": "burst", "type": 0, "method": "echo", "params": "x".repeat(BYTES) });
    let message = Draft::text(&message.to_string()).bytes();
    let (most, last) = message.split_at(message.len() - 1);
    let received = process.metrics().value("websocket_bytes_received_total");
    for client in &mut clients {
        client.send(most);
    }
    process.await_metric("websocket_bytes_received_total", received + (CONNECTIONS * most.len()) as f64);
    let full = process.usage().memory();
    assert!(full > idle + CONNECTIONS * BYTES * 9 / 10, "{full} bytes do not hold all messages");

    for client in &mut clients {
        client.send(last);
        assert_eq!(client.result("burst").as_str().map(str::len), Some(BYTES));
    }
    let most = idle + idle / 5;
    let awaited = format!("no more than {most} bytes; idle were {idle}, full {full}");
    until_within(Duration::from_secs(30), &awaited, || (process.usage().memory() <= most).then_some(()));
}
