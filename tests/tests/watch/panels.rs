//! Dashboards, rules and a pod's text, over what Prometheus has of pods under load.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use dashboards::{Pace, files, filled};
use serde_json::Value;
use tests::watched::Load;
use tests::{Prometheus, until_within};

use crate::{platform, prometheus};

/// As fast as rules may go where a sample comes each second.
const PACE: Pace = Pace::times(30);

/// For the first rates.
const SOON: Duration = Duration::from_secs(40);

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Dashboard, panel and query of each.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for file in files(PACE).iter().filter(|file| file.path.starts_with("deploy/grafana/")) {
        let board: Value = serde_json::from_str(&file.text).expect("a dashboard is JSON");
        for panel in list(&board["panels"]) {
            let name = format!("{}, {}", text(&board["title"]), text(&panel["title"]));
            queries.extend(
                list(&panel["targets"])
                    .iter()
                    .map(|target| (name.clone(), filled(text(&target["expr"]), Prometheus::JOB, "10s"))),
            );
        }
    }
    queries
}

/// Whether there is a sample that is a number.
fn shows(samples: &[Value]) -> bool {
    samples.iter().any(|sample| sample["value"][1].as_str().is_some_and(|value| value != "NaN"))
}

#[test]
fn every_panel_and_every_rule_has_something_to_show_of_pods_under_load() {
    let platform = platform();
    let prometheus = prometheus(PACE);
    prometheus.scrape(platform.targets());
    let load = Load::start(&platform);
    load.round(&platform);
    let mut left = queries();
    assert!(left.len() > 100, "only {} queries", left.len());
    // What rules record comes at their own pace, behind what they ask for.
    let recorded = prometheus.rules().into_iter().filter(|rule| rule["type"] == "recording");
    left.extend(recorded.map(|rule| ("a rule".to_owned(), text(&rule["name"]).to_owned())));
    until_within(SOON, "every panel to show something", || {
        load.round(&platform);
        left.retain(|(_, query)| !shows(&prometheus.query(query)));
        if left.is_empty() {
            return Some(());
        }
        eprintln!("nothing yet for {left:#?}");
        None
    });
    check_rules(&prometheus);
    for (name, pod) in &platform.processes {
        check_text(name, &pod.admin("/metrics").text());
    }
}

/// Each rule is understood, and asks for series that there are.
fn check_rules(prometheus: &Prometheus) {
    // A series of it appears with the first error, or the first alert.
    let later = [metrics::catalogue::STORE_ERRORS.name, "ALERTS"];
    let rules = prometheus.rules();
    assert!(rules.len() > 40, "only {} rules", rules.len());
    for rule in &rules {
        assert_eq!(rule["health"], "ok", "{rule}");
        let query = text(&rule["query"]);
        prometheus.query(query);
        for name in names(query).into_iter().filter(|name| !later.contains(&&**name)) {
            assert!(
                !prometheus.query(&name).is_empty(),
                "{} asks for {name}, which is not there",
                rule["name"]
            );
        }
        if rule["type"] == "recording" {
            assert!(shows(&prometheus.query(text(&rule["name"]))), "{rule} has recorded nothing");
        }
    }
}

/// What stands before braces in an expression.
fn names(query: &str) -> BTreeSet<String> {
    let parts: Vec<_> = query.split('{').collect();
    let before = parts[..parts.len() - 1].iter();
    before
        .map(|part| {
            let start = part.rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(0, |at| at + 1);
            part[start..].to_owned()
        })
        .collect()
}

/// promtool finds no fault with the text of a pod.
fn check_text(pod: &str, text: &str) {
    let child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child =
        child.expect("there is no promtool; please run: apt-get install --no-install-recommends prometheus");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(text.as_bytes()).expect("promtool reads all of it");
    drop(stdin);
    let output = child.wait_with_output().expect("it is our child");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{pod}: {said}");
}
