//! What scalers ask of Prometheus, against what a gateway says, and whether dashboards and rules come to where they are read.
//! What these ask is known to `crates/dashboards`.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tests::{Gateway, Process, Prometheus, Tools, until};

use crate::judge::{As, judged};
use crate::manifests::{list, text};
use crate::{Manifests, deploy, read};

/// Whatever begins like this is meant to be a metric of the gateway.
const FAMILIES: [&str; 10] = [
    "websocket_",
    "http_",
    "backend_",
    "gateway_",
    "store_",
    "tls_",
    "session_",
    "events_",
    "event_",
    "audit_",
];

/// The names in an expression that look like the gateway's metrics.
fn names(expression: &str) -> impl Iterator<Item = &str> {
    let words = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| FAMILIES.iter().any(|family| word.starts_with(family)))
}

/// The names that a gateway declares; those of series come with what their type adds.
fn declared() -> BTreeSet<String> {
    let gateway = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |_| {});
    let scrape = gateway.admin("/metrics");
    let exposition = scrape.text();
    let mut names = BTreeSet::new();
    for line in exposition.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and its type");
        let endings: &[&str] = match kind {
            "histogram" => &["_bucket", "_count", "_sum"],
            _ => &[""],
        };
        names.extend(endings.iter().map(|ending| format!("{name}{ending}")));
    }
    assert!(names.len() > 20, "{exposition}");
    names
}

#[test]
fn scalers_ask_for_metrics_that_there_are() {
    let declared = declared();
    for file in [
        "kubernetes/overlays/redis/autoscaler.yaml",
        "kubernetes/components/monitoring/prometheus-adapter.yaml",
        "helm/mcpw/templates/autoscaler.yaml",
    ] {
        let expression = read(&deploy(file));
        assert!(names(&expression).next().is_some(), "{file} asks for nothing");
        for name in names(&expression) {
            assert!(declared.contains(name), "{name} of {file} is no metric");
        }
    }
}

#[test]
fn the_rules_of_the_component_are_those_of_the_files() {
    let manifest = Manifests::of(&read(&deploy("kubernetes/components/monitoring/rules.yaml")));
    let groups = list(&manifest.one("PrometheusRule", "mcpw")["spec"]["groups"]).to_vec();
    let files = ["prometheus/rules.yaml", "prometheus/alerts.yaml"];
    let of_file = |file| judged(&read(&deploy(file)), As::Yaml).remove(0)["groups"].take();
    let of_files: Vec<Value> = files.into_iter().flat_map(|file| list(&of_file(file)).to_vec()).collect();
    assert_eq!(groups, of_files);
}

/// A gateway at which a sampled call has ended, and its trace.
fn traced() -> (Gateway, Tools, &'static str) {
    let gateway = Gateway::start();
    let tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("echo");
    let trace = "0af7651916cd43dd8448eb211c80319c";
    client.json(&serde_json::json!({
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

#[test]
fn compose_mounts_dashboards_and_rules_where_they_are_read() {
    let compose = judged(&read(&deploy("compose/compose.yaml")), As::Compose).remove(0);
    let mounted = |service: &str, volume: String| {
        let volumes = list(&compose["services"][service]["volumes"]);
        assert!(volumes.iter().any(|mounted| *mounted == volume), "{service} mounts no {volume}");
    };
    let provider =
        judged(&read(&deploy("compose/grafana/provisioning/dashboards/mcpw.yaml")), As::Yaml).remove(0);
    mounted("grafana", format!("../grafana:{}:ro", text(&provider["providers"][0]["options"]["path"])));
    let config = judged(&read(&deploy("compose/prometheus/prometheus.yml")), As::Yaml).remove(0);
    let (folder, _) = text(&config["rule_files"][0]).split_once('/').expect("a folder and its files");
    mounted("prometheus", format!("../prometheus:/etc/prometheus/{folder}:ro"));
}
