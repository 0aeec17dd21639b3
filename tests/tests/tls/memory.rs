//! What an encrypted connection costs while it is idle.

use crate::{BINARY, Setting, connect};
use tests::{Client, Process};

#[test]
fn an_idle_connection_under_tls_costs_less_than_8000_bytes() {
    let setting = Setting::new();
    let process = Process::start(BINARY, |config| {
        setting.serve(config);
        config.log.level = "info".to_owned();
    });
    let trust = setting.trust();
    let open = |count| -> Vec<Client> {
        let mut clients: Vec<_> = (0..count).map(|_| connect(&process, &trust)).collect();
        for client in &mut clients {
            client.check_alive();
        }
        clients
    };
    // What handshakes leave behind is there for the next ones.
    drop(open(100));
    process.await_no_connections();
    let before = process.usage().memory();
    let count = 1_000;
    let mut clients = open(count);
    process.await_metric("websocket_connections_active", count as f64);
    let cost = process.usage().memory().saturating_sub(before) / count;
    assert!(cost < 8_000, "{cost} bytes for each");
    // No more after a message that is longer than a record.
    let text = "x".repeat(40_000);
    for client in &mut clients {
        assert_eq!(client.ask("echo", &serde_json::json!(text)), text);
    }
    let cost = process.usage().memory().saturating_sub(before) / count;
    assert!(cost < 8_000, "{cost} bytes for each, after a long message");
}
