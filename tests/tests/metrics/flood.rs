//! Hostile clients, and how many series there are at most.

use auth::Claims;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::{Draft, Gateway, Metrics, Packet, Tools};

/// How many methods, tools and tenants nobody ever heard of.
const NAMES: usize = 10_000;

/// Names that nobody ever heard of.
fn names(salt: usize, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("x{salt}.{n}")).collect()
}

/// Everything that a client of a WebSocket names, named as nobody ever did: `count` methods and tools, and some of the rest.
fn flood(gateway: &Gateway, salt: usize, count: usize) {
    let mut client = gateway.connect();
    let names = names(salt, count);
    for names in names.chunks(50) {
        let messages = names.iter().flat_map(|name| {
            [
                json!({"id": 1, "type": 0, "method": name}),
                json!({"id": 2, "type": 0, "method": "tool.execute", "params": {"tool": name}}),
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
}

/// Requests of `count` tenants for as many tools that there are not.
fn flood_of_tenants(gateway: &Gateway, salt: usize, count: usize) {
    let mut socket = gateway.open();
    for names in names(salt, count).chunks(50) {
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

/// What was counted of a few and then of many of those that a client invents: it has to be the same series.
#[track_caller]
fn check_flood(flood: impl Fn(&Gateway, usize, usize)) -> (Metrics, Metrics) {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("sleep");
    flood(&gateway, 1, 100);
    let before = gateway.metrics();
    flood(&gateway, 2, NAMES);
    let after = gateway.metrics();
    assert_eq!(before.names(), after.names());
    check_bounds(&after);
    let unknown = "tool_calls_total{tool=\"other\",outcome=\"not_found\"}";
    assert_eq!((before.value(unknown), after.value(unknown)), (100.0, 100.0 + NAMES as f64));
    (before, after)
}

#[test]
fn label_flood() {
    let (before, after) = check_flood(flood);
    let custom = "websocket_messages_received_total{type=\"request\",method=\"custom\"}";
    assert_eq!((before.value(custom), after.value(custom)), (100.0, 100.0 + NAMES as f64));
}

#[test]
fn label_flood_of_tenants() {
    let (before, after) = check_flood(flood_of_tenants);
    let refused = "http_requests_total{route=\"execute\",status=\"4xx\"}";
    assert_eq!((before.value(refused), after.value(refused)), (100.0, 100.0 + NAMES as f64));
}
