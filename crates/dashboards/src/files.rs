//! The files that are made, and where they go.

use crate::alert::Rule;
use crate::{Pace, Recorded, alerts, boards, rules};
use serde::Serialize;
use serde_json::{Value, json};

/// Stands above what is made, where comments are possible.
const NOTE: &str = "# Made by `cargo xtask generate` from crates/dashboards: change it there.\n";

/// A file that is made.
#[derive(Clone, Debug)]
pub struct File {
    /// From the root of the repository.
    pub path: &'static str,
    /// All of it.
    pub text: String,
}

#[derive(Debug, Serialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    name: &'static str,
    rules: Vec<Rule>,
}

/// A manifest of the Prometheus operator. Its keys are in the usual order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    api_version: &'static str,
    kind: &'static str,
    metadata: Value,
    spec: Groups,
}

/// All files, with rules at this pace.
pub fn files(pace: Pace) -> Vec<File> {
    let groups = || Groups { groups: recorded(pace).chain(alerting(pace)).collect() };
    let manifest = Manifest {
        api_version: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata: json!({ "name": "mcpw", "labels": { "app.kubernetes.io/name": "mcpw" } }),
        spec: groups(),
    };
    let mut files = vec![
        yaml("deploy/prometheus/rules.yaml", &Groups { groups: recorded(pace).collect() }),
        yaml("deploy/prometheus/alerts.yaml", &Groups { groups: alerting(pace).collect() }),
        yaml("deploy/kubernetes/components/monitoring/rules.yaml", &manifest),
        // A chart can only read files of its own.
        yaml("deploy/helm/mcpw/files/rules.yaml", &groups()),
    ];
    for (board, paths) in boards::all() {
        let text = format!("{:#}\n", board.json());
        files.extend(paths.map(|path| File { path, text: text.clone() }));
    }
    files
}

fn yaml(path: &'static str, content: &impl Serialize) -> File {
    let text = serde_saphyr::to_string(content).expect("plain data can be written down");
    File { path, text: NOTE.to_owned() + &text }
}

fn recorded(pace: Pace) -> impl Iterator<Item = Group> {
    let rules = rules::all(pace).iter().map(Recorded::rule).collect();
    std::iter::once(Group { name: "mcpw-recorded", rules })
}

fn alerting(pace: Pace) -> impl Iterator<Item = Group> {
    alerts::all(pace).into_iter().map(move |group| Group {
        name: group.name,
        rules: group.alerts.iter().map(|alert| alert.rule(pace)).collect(),
    })
}
