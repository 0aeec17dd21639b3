//! `mcpw check-config`: prints what is in force, and no secret; says where a mistake is.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::mcpw;
use crate::process::{Ended, run};

const SECRET: &str = "a secret of at least thirty-two bytes";

fn check(file: &Path) -> Command {
    let mut command = mcpw();
    command.args(["check-config", "--plain", "--config"]).arg(file);
    command
}

/// The same with sources.
fn check_with_sources(file: &Path) -> Command {
    let mut command = mcpw();
    command.args(["check-config", "--config"]).arg(file);
    command
}

fn write(folder: &TempDir, text: &str) -> PathBuf {
    let file = folder.path().join("mcpw.yaml");
    std::fs::write(&file, text).expect("the folder is ours");
    file
}

/// A file with some settings, of which a variable and a flag change others.
fn sources(folder: &TempDir, arguments: &[&str]) -> Command {
    let text = format!(
        "# A comment.\nauth:\n  keys:\n  - secret: {SECRET}\n\nlimits:\n  methods: {{tool.execute: {{per_minute: 3}}}}\n\
         websocket:\n  max_in_flight: 6\n  max_connections: 5\n"
    );
    let mut command = check_with_sources(&write(folder, &text));
    command.env("WEBSOCKET_MAX_IN_FLIGHT", "7").args(["--listen", "127.0.0.1:3"]).args(arguments);
    command
}

/// Checks that a line is this, but for spaces.
#[track_caller]
fn check_line(printed: &str, expected: &str) {
    let bare = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(printed.lines().any(|line| bare(line) == expected), "no {expected:?} in\n{printed}");
}

#[test]
fn each_value_is_told_with_where_it_comes_from() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mcpw.yaml").display().to_string();
    let printed = run(&mut sources(&folder, &[])).success();
    check_line(&printed, &format!("max_connections: 5 # {file}:10"));
    check_line(&printed, &format!("methods: # {file}:7"));
    check_line(&printed, &format!("keys: # {file}:3"));
    check_line(&printed, "max_in_flight: 7 # WEBSOCKET_MAX_IN_FLIGHT");
    check_line(&printed, "listen: 127.0.0.1:3 # --listen");
    check_line(&printed, "path: /ws # default");
    assert!(!printed.contains(SECRET) && printed.contains("[redacted]"), "{printed}");
    let plain = run(&mut sources(&folder, &["--plain"])).success();
    let parse = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).expect("it is YAML");
    assert_eq!(parse(&printed), parse(&plain), "comments change nothing");
    assert!(!plain.contains('#'), "{plain}");
}

#[test]
fn what_is_no_default_can_be_told_alone() {
    let folder = TempDir::new().expect("a temporary folder");
    let printed = run(&mut sources(&folder, &["--changed", "--plain"])).success();
    let parsed: serde_json::Value = serde_saphyr::from_str(&printed).expect("it is YAML");
    let key = &parsed["auth"]["keys"][0];
    assert_eq!((&key["algorithm"], &key["secret"]), (&"HS256".into(), &"[redacted]".into()));
    assert_eq!(
        (&parsed["websocket"], &parsed["limits"]),
        (
            &serde_json::json!({"listen": "127.0.0.1:3", "max_connections": 5, "max_in_flight": 7}),
            &serde_json::json!({"methods": {"tool.execute": {"per_minute": 3, "burst": 0}}})
        )
    );
    assert_eq!(parsed.as_object().map(|sections| sections.len()), Some(3), "{printed}");
}

#[test]
fn values_and_sources_can_be_had_as_json() {
    let folder = TempDir::new().expect("a temporary folder");
    let printed = run(&mut sources(&folder, &["--json"])).success();
    let parsed: serde_json::Value = serde_json::from_str(&printed).expect("it is JSON");
    assert_eq!(
        parsed["websocket.max_in_flight"],
        serde_json::json!({"value": 7, "source": "WEBSOCKET_MAX_IN_FLIGHT"})
    );
    assert_eq!(parsed["log.level"], serde_json::json!({"value": "info", "source": "default"}));
    assert!(!printed.contains(SECRET), "{printed}");
    let printed = run(&mut sources(&folder, &["--json", "--plain", "--changed"])).success();
    let parsed: serde_json::Value = serde_json::from_str(&printed).expect("it is JSON");
    assert_eq!(parsed["websocket"]["max_connections"], 5);
    assert_eq!(parsed["log"], serde_json::Value::Null);
}

#[test]
fn a_value_out_of_range_is_told_with_its_line_or_its_variable() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = write(&folder, "auth: {required: false}\nlimits:\n  flood: 0\n");
    let ended = run(&mut check(&file));
    assert_eq!(ended.code, Some(1));
    let told = format!("{}:3: limits.flood = 0: 1 or more is needed", file.display());
    assert!(ended.stderr.contains(&told), "no {told:?} in {}", ended.stderr);
    let ended = run(check(&file).env("LIMITS_FLOOD", "5").env("DRAIN_RATE", "0"));
    assert!(ended.stderr.contains("DRAIN_RATE: drain.rate = 0"), "{}", ended.stderr);
    let ended = run(check(&file).arg("--no-such-flag"));
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
}

fn refused(text: &str) -> Ended {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mcpw.yaml");
    std::fs::write(&file, text).expect("the folder is ours");
    run(&mut check(&file))
}

#[test]
fn file_environment_and_flags_make_what_is_printed() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mcpw.yaml");
    let text = format!(
        "websocket:\n  max_connections: 5\n  max_in_flight: 6\n  listen: 127.0.0.1:1\nauth:\n  keys:\n  - secret: {SECRET}\n"
    );
    std::fs::write(&file, text).expect("the folder is ours");
    let mut command = check(&file);
    command.env("WEBSOCKET_MAX_IN_FLIGHT", "7").env("WEBSOCKET_LISTEN", "127.0.0.1:2");
    let printed = run(command.args(["--listen", "127.0.0.1:3"])).success();
    for line in ["  max_connections: 5", "  max_in_flight: 7", "  path: /ws", "  listen: 127.0.0.1:3"] {
        assert!(printed.lines().any(|found| found == line), "no {line:?} in\n{printed}");
    }
    assert!(!printed.contains(SECRET) && printed.contains("[redacted]"), "{printed}");
}

#[test]
fn what_is_printed_is_itself_a_configuration() {
    let folder = TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder is ours");
        path
    };
    let secret = write("secret", SECRET);
    let text = format!(
        "auth:\n  keys:\n  - id: one\n    secret_file: {}\nbackends: ['http://a:1']\n",
        secret.display()
    );
    let once = run(&mut check(&write("once.yaml", &text))).success();
    let twice = run(&mut check(&write("twice.yaml", &once))).success();
    assert_eq!(once, twice);
    assert!(once.contains("http://a:1"), "{once}");
}

#[test]
fn an_unknown_key_is_told_with_file_line_and_nearest_key() {
    let ended = refused("websocket:\n  path: /ws\n  max_conections: 5\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    for part in ["mcpw.yaml:3", "max_conections", "did you mean `max_connections`?"] {
        assert!(ended.stderr.contains(part), "no {part:?} in {}", ended.stderr);
    }
}

#[test]
fn a_gateway_refuses_what_check_config_refuses() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mcpw.yaml");
    std::fs::write(&file, "websocket:\n  max_conections: 5\n").expect("the folder is ours");
    let ended = run(mcpw().args(["gateway", "--config"]).arg(&file));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("mcpw.yaml:2"), "{}", ended.stderr);
}

#[test]
fn the_password_of_a_database_is_not_printed() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mcpw.yaml");
    let text = format!(
        "auth:\n  keys:\n  - secret: {SECRET}\ncontext:\n  database: postgres://mcpw:hunter2@db/contexts\n"
    );
    std::fs::write(&file, text).expect("the folder is ours");
    let printed = run(&mut check(&file)).success();
    assert!(printed.contains("postgres://mcpw@db/contexts") && !printed.contains("hunter2"), "{printed}");
    let mut command = check(&file);
    command.env("CONTEXT_DATABASE", "mysql://mcpw:hunter2@db");
    let ended = run(&mut command);
    assert!(ended.code == Some(1) && ended.stderr.contains("use sqlite:PATH"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("hunter2"), "{}", ended.stderr);
    let ended = refused("context:\n  max_content_bytes: 0\n");
    assert!(ended.stderr.contains("context.max_content_bytes = 0"), "{}", ended.stderr);
}
