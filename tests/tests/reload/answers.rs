//! What is answered and told: what was applied, what waits for a restart, what is wrong; and what is in force.

use crate::{apply, process, reload};
use serde_json::{Value, json};
use tests::{Process, audited, until};

const READ_AT: &str = "config_last_reload_success_timestamp_seconds";

fn config(process: &Process) -> Value {
    let response = process.admin("/admin/v1/config");
    assert_eq!(response.status, 200);
    serde_json::from_str(&response.text()).expect("an answer in JSON")
}

#[test]
fn a_broken_file_changes_nothing_and_is_told_with_its_line() {
    let mut process = process(|config| config.limits.flood = 5);
    let (file, before) = (process.file(), config(&process));
    let read_at = process.metrics().value(READ_AT);
    assert!(read_at > 0.0);
    let good = std::fs::read_to_string(&file).expect("the file is ours");
    for (text, line, why) in [
        ("limits:\n  flod: 1\n", 2, "did you mean `flood`?"),
        ("drain:\n  rate: many\n", 2, ""),
        ("limits: {flood: 9}\ndrain:\n  rate: 0\n", 3, "drain.rate = 0: 1 or more is needed"),
        ("websocket: [\n", 1, ""),
    ] {
        std::fs::write(&file, text).expect("the folder is ours");
        let (status, told) = reload(&process);
        let error = told["error"].as_str().expect("a text");
        let place = format!("{}:{line}", file.display());
        assert!(status == 422 && error.contains(why), "{told}");
        assert!(error.contains(&place) || line == 1, "no {place} in {told}");
        process.await_log("the configuration was not taken; nothing has changed");
        assert_eq!(config(&process), before);
    }
    // A key that can't be read is no better.
    let unreadable = good.replace("/secret\"", "/nowhere\"");
    assert_ne!(unreadable, good);
    std::fs::write(&file, unreadable).expect("the folder is ours");
    let (status, told) = reload(&process);
    assert!(status == 422 && told["error"].as_str().is_some_and(|error| error.contains("nowhere")), "{told}");
    assert_eq!(config(&process), before);
    process.connect().check_alive();
    process.await_metric("config_reloads_total{outcome=\"refused\"}", 5.0);
    assert_eq!(process.metrics().value(READ_AT), read_at);
    process.rewrite(|_| {});
    assert_eq!(reload(&process), (200, json!({"applied": [], "restart_needed": []})));
    process.await_metric("config_reloads_total{outcome=\"applied\"}", 1.0);
    assert!(process.metrics().value(READ_AT) >= read_at);
}

#[test]
fn what_needs_a_restart_is_named_and_the_rest_is_applied() {
    let mut process = process(|_| {});
    process.rewrite(|config| {
        config.runtime.shards = 3;
        config.websocket.listen = ([127, 0, 0, 1], 1).into();
        config.limits.flood = 9;
    });
    let text = std::fs::read_to_string(process.file()).expect("the file is ours");
    let text = text.replace("\"password\": null", "\"password\": \"open sesame\"");
    std::fs::write(process.file(), text).expect("the folder is ours");
    let (status, told) = reload(&process);
    assert_eq!((status, &told["applied"]), (200, &json!(["limits.flood"])), "{told}");
    let waiting = told["restart_needed"].as_array().expect("a list");
    let find = |key: &str| waiting.iter().find(|waiting| waiting["key"] == key);
    assert_eq!(
        find("runtime.shards"),
        Some(&json!({"key": "runtime.shards", "running": 2, "configured": 3}))
    );
    let listen = find("websocket.listen").expect("it waits");
    assert_eq!((&listen["running"], &listen["configured"]), (&json!("127.0.0.1:0"), &json!("127.0.0.1:1")));
    let password = find("store.redis.password").expect("it waits");
    assert_eq!(password["running"], Value::Null);
    assert!(!told.to_string().contains("sesame"), "{told}");
    let shown = config(&process);
    assert_eq!((&shown["runtime.shards"]["value"], &shown["limits.flood"]["value"]), (&json!(2), &json!(9)));
    let line = process.await_log("the configuration was read again");
    let line: Value = serde_json::from_str(&line).expect("a line is JSON");
    assert_eq!(line["applied"], "limits.flood");
    assert!(line["restart_needed"].as_str().is_some_and(|keys| keys.contains("runtime.shards")), "{line}");
    // It goes on waiting.
    let (_, again) = reload(&process);
    assert_eq!((&again["applied"], &again["restart_needed"]), (&json!([]), &told["restart_needed"]));
}

#[test]
fn a_hangup_does_the_same() {
    let mut process = process(|_| {});
    let mut client = process.connect();
    client.check_alive();
    process.rewrite(|config| config.websocket.max_json_depth = 3);
    process.hang_up();
    process.await_log("\"applied\":\"websocket.max_json_depth\"");
    client.request("deep", "echo", &json!({"a": {"b": {"c": 1}}}));
    assert_eq!(client.message()["error"]["code"], 4000);
    std::fs::write(process.file(), "limits:\n  flod: 1\n").expect("the folder is ours");
    process.hang_up();
    let line = process.await_log("the configuration was not taken");
    assert!(line.contains("mcpw.yaml:2") && line.contains("did you mean `flood`?"), "{line}");
    client.check_alive();
}

#[test]
fn what_is_in_force_is_told_with_its_source_and_without_secrets() {
    let process = process(|_| {});
    let shown = config(&process);
    let place = format!("{}:", process.file().display());
    let level = &shown["log.level"];
    assert_eq!(level["value"], "debug");
    assert!(level["source"].as_str().is_some_and(|source| source.starts_with(&place)), "{level}");
    assert_eq!(shown["auth.keys"]["value"][0]["algorithm"], "HS256");
    assert!(!shown.to_string().contains(process.keys.secret()));
}

#[test]
fn the_audit_log_tells_of_each_reload() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("audit");
    let mut process = process(|config| config.audit.file = Some(file.clone()));
    apply(&mut process, |config| config.limits.flood = 5, &["limits.flood"]);
    std::fs::write(process.file(), "limits:\n  flood: 0\n").expect("the folder is ours");
    assert_eq!(reload(&process).0, 422);
    assert_eq!(process.admin_send("PUT", "/admin/v1/log-level", &json!({"level": "warn"})).status, 200);
    until("the lines of the audit log", || {
        let lines = audited(&file);
        let find = |event: &str| lines.iter().find(|line| line["event"] == event).cloned();
        let (applied, refused, level) = (find("reload")?, find("reload_refused")?, find("log_level")?);
        assert_eq!((&applied["address"], &level["reason"]), (&json!("127.0.0.1"), &json!("warn")));
        assert_eq!(applied["reason"], "applied: limits.flood; restart needed: ");
        assert!(refused["reason"].as_str().is_some_and(|reason| reason.contains("limits.flood = 0")));
        Some(())
    });
}
