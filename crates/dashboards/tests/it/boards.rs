//! The dashboards, as Grafana would read them.

use std::collections::BTreeSet;

use dashboards::{Pace, files};
use metrics::catalogue::Kind;
use serde_json::Value;

use crate::text;

fn boards() -> Vec<Value> {
    let files = files(Pace::SHIPPED);
    let boards = files.iter().filter(|file| file.path.starts_with("deploy/grafana/"));
    boards.map(|file| serde_json::from_str(&file.text).expect("a dashboard is JSON")).collect()
}

fn panels(board: &Value) -> impl Iterator<Item = &Value> {
    board["panels"].as_array().expect("there are panels").iter()
}

fn queries(board: &Value) -> Vec<&str> {
    let targets = panels(board).filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| text(&target["expr"])).collect()
}

#[test]
fn every_instrument_is_shown() {
    let boards = boards();
    let queries: Vec<_> = boards.iter().flat_map(queries).collect();
    for instrument in metrics::catalogue::all() {
        let name = instrument.name;
        let asked = match instrument.kind {
            Kind::Histogram => format!("{name}_bucket{{"),
            Kind::Counter | Kind::Gauge => format!("{name}{{"),
        };
        assert!(queries.iter().any(|query| query.contains(&asked)), "no dashboard shows {name}");
    }
}

#[test]
fn every_dashboard_is_found_and_leads_to_the_others() {
    let boards = boards();
    let uids: BTreeSet<_> = boards.iter().map(|board| text(&board["uid"])).collect();
    assert_eq!(uids, BTreeSet::from(["mcpw-backends", "mcpw-fleet", "mcpw-pod", "mcpw-sessions"]));
    for board in &boards {
        assert_eq!(board["links"][0]["tags"], board["tags"], "the others are found by the tag");
        let names: Vec<_> = board["templating"]["list"].as_array().expect("there are some").iter().collect();
        let names: Vec<_> = names.iter().map(|variable| text(&variable["name"])).collect();
        assert_eq!(names[..3], ["datasource", "job", "pod"]);
        for link in
            panels(board).filter_map(|panel| panel["fieldConfig"]["defaults"]["links"].as_array()).flatten()
        {
            let uid = text(&link["url"]).trim_start_matches("/d/").split('?').next().unwrap_or_default();
            assert!(uids.contains(uid), "{link}");
        }
    }
}

#[test]
fn every_panel_says_what_it_is_asks_something_and_covers_no_other() {
    for board in boards() {
        let mut ids = BTreeSet::new();
        let mut covered = BTreeSet::new();
        for panel in panels(&board) {
            assert!(ids.insert(panel["id"].to_string()), "{}", panel["title"]);
            let at = |key: &str| panel["gridPos"][key].as_u64().expect("a number");
            assert!(at("x") + at("w") <= 24, "{}", panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(covered.insert((x, y)), "{} covers another", panel["title"]);
                }
            }
            if panel["type"] == "row" {
                continue;
            }
            assert!(text(&panel["description"]).ends_with('.'), "{}", panel["title"]);
            assert!(!text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty());
            assert!(!panel["targets"].as_array().expect("a list").is_empty(), "{}", panel["title"]);
        }
        for query in queries(&board) {
            assert!(query.contains("$job") || query.contains("ALERTS"), "{query} is for all jobs");
        }
    }
}
