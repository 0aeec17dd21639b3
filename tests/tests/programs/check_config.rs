//! `mcpw check-config`: prints what is in force, and no secret; says where a mistake is.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::mcpw;
use crate::process::{Ended, run};

const SECRET: &str = "a secret of at least thirty-two bytes";

fn check(file: &Path) -> Command {
    let mut command = mcpw();
    command.args(["check-config", "--config"]).arg(file);
    command
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
