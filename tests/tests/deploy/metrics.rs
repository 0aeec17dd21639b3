//! What scalers ask of Prometheus, against what a gateway says, and whether dashboards and rules come to where they are read.
//! What these ask is known to `crates/dashboards`.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::Process;

use crate::judge::{As, judged};
use crate::manifests::{list, text};
use crate::{Manifests, deploy, read};

/// Whatever begins like this is meant to be a metric of the gateway.
const FAMILIES: [&str; 11] = [
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
    "shard_",
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
