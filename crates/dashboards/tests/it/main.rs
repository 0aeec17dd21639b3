//! What is made from the catalogue, judged by promtool, and by the pages and folders that it belongs to.

mod alerts;
mod boards;
mod promtool;
mod runbooks;
mod shipped;
mod world;

use dashboards::{Pace, files};
use serde_json::Value;

/// A file that is made, as shipped.
#[track_caller]
fn made(path: &str) -> String {
    let files = files(Pace::SHIPPED);
    files.into_iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}")).text
}

/// Every rule that calls somebody.
fn alerts() -> Vec<Value> {
    let text = made("deploy/prometheus/alerts.yaml");
    let rules: Value = serde_saphyr::from_str(&text).expect("rules are YAML");
    let groups = rules["groups"].as_array().expect("there are groups");
    groups.iter().flat_map(|group| group["rules"].as_array().expect("there are rules").clone()).collect()
}

/// A string of a file that is made.
#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string"))
}
