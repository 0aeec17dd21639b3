//! What those say who scrape: promtool of the text, and Prometheus of OpenMetrics.

use serde_json::json;
use std::process::Command;
use tempfile::TempDir;
use tests::{Gateway, Prometheus, Tools, until};

/// A gateway at which a sampled call has ended, and its trace.
fn traced() -> (Gateway, Tools, &'static str) {
    let gateway = Gateway::start();
    let tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("echo");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    client.json(&json!({
        "id": "a", "type": 0, "method": "tool.execute", "params": {"tool": "echo", "args": {"a": 1}},
        "meta": {"traceparent": format!("00-{trace}-b7ad6b7169203331-01")},
    }));
    client.result("a");
    gateway.await_metric("backend_call_duration_seconds_count", 1.0);
    (gateway, tools, trace)
}

#[test]
fn promtool_finds_no_fault_in_the_text() {
    let (gateway, _tools, _) = traced();
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let file = folder.path().join("scrape");
    std::fs::write(&file, gateway.admin("/metrics").text()).expect("the folder is ours");
    let scrape = std::fs::File::open(&file).expect("the file is ours");
    let checked = Command::new("promtool").args(["check", "metrics"]).stdin(scrape).output();
    let checked =
        checked.expect("this test needs promtool: apt-get install --no-install-recommends prometheus");
    let said = [checked.stdout, checked.stderr].concat();
    assert!(checked.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}

/// Prometheus itself asks for OpenMetrics, and keeps the exemplars that it finds.
#[test]
fn prometheus_scrapes_the_gateway_and_finds_the_trace_of_a_call() {
    let (gateway, _tools, trace) = traced();
    let prometheus = Prometheus::start(&[]);
    prometheus.scrape([("pod", gateway.admin)]);
    let asked = |path: &str| prometheus.ask(path);
    until("prometheus to have scraped the gateway", || {
        let up = asked("/api/v1/query?query=up");
        (up["data"]["result"][0]["value"][1] == "1").then_some(())
    });
    let calls = asked("/api/v1/query?query=backend_call_duration_seconds_count");
    assert_eq!(calls["data"]["result"][0]["value"][1], "1", "{calls}");
    let query = "/api/v1/query_exemplars?query=backend_call_duration_seconds_bucket&start=0&end=4102444800";
    let exemplars = asked(query);
    assert_eq!(exemplars["data"][0]["exemplars"][0]["labels"]["trace_id"], trace, "{exemplars}");
    let types = asked("/api/v1/metadata?metric=websocket_connections");
    assert_eq!(types["data"]["websocket_connections"][0]["type"], "counter", "{types}");
}
