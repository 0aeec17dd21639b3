//! What dashboards, alerts and scalers ask of Prometheus, against what a gateway says and what promtool understands.

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::TempDir;
use tests::Process;

use crate::compose::promtool;
use crate::judge::{As, judged};
use crate::manifests::{list, text};
use crate::{deploy, read};

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

fn dashboard() -> Vec<String> {
    let dashboard = read(&deploy("compose/grafana/dashboards/mcpw.json"));
    let dashboard: Value = serde_json::from_str(&dashboard).expect("a dashboard is JSON");
    let targets = list(&dashboard["panels"]).iter().flat_map(|panel| list(&panel["targets"]));
    targets.map(|target| text(&target["expr"]).to_owned()).collect()
}

fn rules() -> Value {
    judged(&read(&deploy("kubernetes/components/monitoring/rules.yaml")), As::Manifests).remove(0)
}

#[test]
fn dashboards_alerts_and_scalers_ask_for_metrics_that_there_are() {
    let declared = declared();
    let rules = rules();
    let alerts = list(&rules["spec"]["groups"]).iter().flat_map(|group| list(&group["rules"]));
    let mut expressions: Vec<_> = alerts.map(|alert| text(&alert["expr"]).to_owned()).collect();
    expressions.extend(dashboard());
    expressions.push(read(&deploy("kubernetes/overlays/redis/autoscaler.yaml")));
    expressions.push(read(&deploy("kubernetes/components/monitoring/prometheus-adapter.yaml")));
    expressions.push(read(&deploy("helm/mcpw/templates/autoscaler.yaml")));
    for expression in expressions {
        assert!(names(&expression).next().is_some(), "{expression} asks for nothing");
        for name in names(&expression) {
            assert!(declared.contains(name), "{name} of {expression} is no metric");
        }
    }
}

/// Rules as Prometheus reads them are the manifest's spec. A dashboard's expressions become rules for this.
#[test]
fn promtool_understands_every_expression() {
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let check = |name: &str, rules: &Value| {
        let file = folder.path().join(name);
        std::fs::write(&file, rules.to_string()).expect("the folder is ours");
        promtool(&["check", "rules"], &file)
    };
    check("alerts.json", &rules()["spec"]);
    let panels: Vec<_> = (1..)
        .zip(dashboard())
        .map(|(number, expression)| serde_json::json!({ "record": format!("panel:{number}"), "expr": expression }))
        .collect();
    let said =
        check("panels.json", &serde_json::json!({ "groups": [{ "name": "dashboard", "rules": panels }] }));
    assert!(said.contains(&format!("{} rules found", dashboard().len())), "{said}");
}

#[test]
fn panels_ask_the_data_source_that_is_provisioned() {
    let sources =
        judged(&read(&deploy("compose/grafana/provisioning/datasources/prometheus.yaml")), As::Yaml)
            .remove(0);
    let dashboard: Value = serde_json::from_str(&read(&deploy("compose/grafana/dashboards/mcpw.json")))
        .expect("a dashboard is JSON");
    for panel in list(&dashboard["panels"]) {
        assert_eq!(panel["datasource"]["uid"], sources["datasources"][0]["uid"], "{}", panel["title"]);
    }
    let provider =
        judged(&read(&deploy("compose/grafana/provisioning/dashboards/mcpw.yaml")), As::Yaml).remove(0);
    let compose = read(&deploy("compose/compose.yaml"));
    let path = text(&provider["providers"][0]["options"]["path"]);
    assert!(compose.contains(&format!("./grafana/dashboards:{path}:ro")), "dashboards are mounted at {path}");
}
