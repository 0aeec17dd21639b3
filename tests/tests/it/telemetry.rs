//! What operators see: one number for each thing that happens, and no more series than there are things.

use auth::Claims;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Draft, Gateway, Metrics, Packet, Tools};

/// How many methods, tools and tenants nobody ever heard of.
const NAMES: usize = 10_000;

/// Everything that a client names, named as nobody ever did: `count` methods, tools and tenants, and some of the rest.
fn flood(gateway: &Gateway, salt: usize, count: usize) {
    let mut client = gateway.connect();
    let names: Vec<String> = (0..count).map(|n| format!("x{salt}.{n}")).collect();
    for names in names.chunks(25) {
        let messages = names.iter().flat_map(|name| {
            [
                json!({"id": 1, "type": 0, "method": name}),
                json!({"id": 2, "type": 0, "method": "tool.execute", "params": {"tool": name}}),
                json!({"type": 2, "method": name}),
            ]
        });
        client.json(&messages.collect::<Vec<Value>>().into());
        for _ in 0..2 * names.len() {
            client.message();
        }
    }
    for (n, name) in names.iter().take(100).enumerate() {
        client.json(&json!({"id": 2, "type": 10 + n + salt, "method": "echo"}));
        client
            .json(&json!({"id": 4, "type": 0, "method": "initialize", "params": {"client": {"name": name}}}));
        client.message();
        client.message();
        let request = gateway.upgrade().line(&format!("GET /{name} HTTP/1.1"));
        assert_eq!(gateway.ask(&request).status, 404);
    }
    let mut client = gateway.connect_binary();
    for n in 0..100 {
        client.packet(&Packet::request(1, 1_000 + (salt * 100 + n) as u16, b"{}"));
        client.reply();
    }
    for code in 0..20 {
        let mut client = gateway.connect();
        client.draft(&Draft::close(3_000 + (salt * 20 + code) as u16, b""));
        client.frame("the close");
    }
    let mut socket = gateway.open();
    for names in names.chunks(50) {
        let requests = names.iter().map(|name| {
            let claims = Claims { scopes: vec!["*".to_owned()], ..Claims::new(name, name) };
            let token = gateway.keys.mint(&claims);
            format!(
                "POST /api/v1/tools/{name}/execute HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
            )
        });
        socket.send(requests.collect::<String>().as_bytes());
        for _ in names {
            assert_eq!(socket.response().status, 404);
        }
    }
}

/// How many series docs/metrics.md allows each family at most, and all together.
fn documented() -> (BTreeMap<String, usize>, usize) {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line.strip_prefix("| `")?.split(" | ").collect();
        Some((cells[0].trim_end_matches('`').to_owned(), cells[3].parse().expect("a number of series")))
    });
    let (_, most) = page.split_once("has at most **").expect("the page says how many series there are");
    let most = most.split("**").next().and_then(|most| most.parse().ok()).expect("a number of series");
    (rows.collect(), most)
}

/// Checks that no family, nor all together, has more series than it is documented to have.
#[track_caller]
fn check_bounds(metrics: &Metrics) {
    let (most, all) = documented();
    assert_eq!(most.values().sum::<usize>(), all);
    let mut counts = BTreeMap::<&str, usize>::new();
    for series in metrics.names() {
        let family = series.split('{').next().unwrap_or(series);
        let of_histogram = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| family.strip_suffix(end));
        let family = of_histogram.filter(|family| most.contains_key(*family)).unwrap_or(family);
        *counts.entry(family).or_default() += 1;
    }
    for (family, count) in counts {
        let most = most.get(family).unwrap_or_else(|| panic!("{family} is not in docs/metrics.md"));
        assert!(count <= *most, "{family} has {count} series, and {most} are documented");
    }
    assert!(metrics.names().len() <= all);
}

#[test]
fn label_flood() {
    let gateway = Gateway::with(|config| config.limits.flood = u32::MAX);
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("sleep");
    flood(&gateway, 1, 100);
    let before = gateway.metrics();
    flood(&gateway, 2, NAMES);
    let after = gateway.metrics();
    assert_eq!(before.names(), after.names());
    check_bounds(&after);
    let custom = "websocket_messages_received_total{type=\"request\",method=\"custom\"}";
    assert_eq!((before.value(custom), after.value(custom)), (200.0, 200.0 + 100.0 + NAMES as f64));
    let unknown = "tool_calls_total{tool=\"other\",outcome=\"not_found\"}";
    assert_eq!((before.value(unknown), after.value(unknown)), (200.0, 200.0 + 2.0 * NAMES as f64));
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
