//! From which level on lines are logged, while the gateway runs.

use crate::{apply, process, reads};
use serde_json::{Value, json};
use tests::{Process, until};

const PATH: &str = "/admin/v1/log-level";

fn set(process: &Process, wanted: &Value) -> (u16, Value) {
    let response = process.admin_send("PUT", PATH, wanted);
    (response.status, serde_json::from_str(&response.text()).expect("an answer in JSON"))
}

fn shown(process: &Process) -> Value {
    serde_json::from_str(&process.admin(PATH).text()).expect("an answer in JSON")
}

/// Whether a refused connection is told, which is a line of the level debug.
fn tells_refusals(process: &Process) -> bool {
    let count = || process.log().iter().filter(|line| line.contains("\"refused\"")).count();
    let (before, refused) = (count(), process.ask(&process.upgrade().line("GET /nowhere HTTP/1.1")));
    assert_eq!(refused.status, 404);
    // A later line of any level has gone the same way.
    let marked = reads(process);
    process.hang_up();
    until("the line of the reload", || (reads(process) > marked).then_some(()));
    count() > before
}

#[test]
fn a_level_is_changed_by_a_reload() {
    let mut process = process(|config| "info".clone_into(&mut config.log.level));
    assert!(!tells_refusals(&process));
    apply(&mut process, |config| "debug".clone_into(&mut config.log.level), &["log.level"]);
    assert!(tells_refusals(&process));
    apply(&mut process, |config| "info".clone_into(&mut config.log.level), &["log.level"]);
    assert!(!tells_refusals(&process));
}

#[test]
fn an_operators_level_stands_until_the_settings_are_read_again() {
    let process = process(|config| "info".clone_into(&mut config.log.level));
    assert_eq!(shown(&process), json!({"level": "info", "configured": "info"}));
    let debug = json!({"level": "debug", "configured": "info"});
    assert_eq!(set(&process, &json!({"level": "debug"})), (200, debug.clone()));
    assert_eq!(shown(&process), debug);
    // It ends with a reload, which comes after the refusal.
    assert!(tells_refusals(&process));
    assert_eq!(shown(&process), json!({"level": "info", "configured": "info"}));
    assert!(!tells_refusals(&process));
}

#[test]
fn an_operators_level_ends_after_its_time() {
    let process = process(|config| "info".clone_into(&mut config.log.level));
    let (status, told) = set(&process, &json!({"level": "gateway=trace,info", "for_s": 1}));
    assert_eq!((status, &told["level"], &told["for_s"]), (200, &json!("gateway=trace,info"), &json!(1)));
    until("the end of the level", || (shown(&process)["level"] == "info").then_some(()));
    assert!(!tells_refusals(&process));
}

#[test]
fn what_is_no_level_is_told_so() {
    let process = process(|_| {});
    for (wanted, expected) in [
        (json!({"level": "gateway=loud"}), "a level (error, warn, info, debug, trace)"),
        (json!({"level": "debug", "for_s": 0}), "for_s must be 1 to 604800"),
        (json!({"level": "debug", "for_s": 604_801}), "for_s must be 1 to 604800"),
        (json!({"lvel": "debug"}), "no such request"),
    ] {
        let (status, told) = set(&process, &wanted);
        let error = told["error"].as_str().expect("a text");
        assert!(status == 400 && error.contains(expected), "{wanted}: {told}");
    }
    assert_eq!(set(&process, &json!({"level": "debug", "for_s": 604_800})).0, 200);
}
