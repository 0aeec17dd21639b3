//! `mcpw call`: the result on standard output, all else on standard error, and an exit code that says which.

use std::process::Command;

use serde_json::{Value, json};

use crate::dev::Dev;
use crate::process::{Ended, Process, run};
use crate::{mcpw, repository};

/// A call to this gateway, still without its method.
pub(crate) fn call(url: &str, token: &str) -> Command {
    let mut command = mcpw();
    command.args(["call", "--url", url]).env("MCPW_TOKEN", token);
    command
}

fn at(dev: &Dev, arguments: &[&str]) -> Ended {
    run(call(dev.url(), dev.token()).args(arguments))
}

#[track_caller]
fn result(dev: &Dev, arguments: &[&str]) -> Value {
    let stdout = at(dev, arguments).success();
    assert_eq!(stdout.lines().count(), 1, "into a pipe the result is one line: {stdout}");
    serde_json::from_str(&stdout).expect("the result is JSON")
}

#[test]
fn a_result_goes_to_standard_output_as_it_came() {
    let dev = Dev::start();
    for format in [&[][..], &["--binary"]] {
        let ended = at(&dev, &[format, &["echo", r#"{"b":[1.0,12345678901234567890],"a":"é"}"#]].concat());
        assert_eq!(ended.stderr, "");
        assert_eq!(ended.success(), "{\"b\":[1.0,12345678901234567890],\"a\":\"é\"}\n");
    }
}

#[test]
fn all_tools_are_listed() {
    let dev = Dev::start();
    let list = result(&dev, &["tool.list"]);
    let mut names: Vec<_> =
        list["tools"].as_array().expect("a list").iter().map(|tool| &tool["name"]).collect();
    names.sort_unstable_by_key(|name| name.to_string());
    assert_eq!(json!(names), json!(["echo", "fs.list", "fs.read", "fs.search", "sleep", "time.now"]));
}

/// The acceptance check of the tools: what is found is what is there.
#[test]
fn fs_search_finds_the_lines_of_this_repository() {
    let dev = Dev::start();
    for format in [&[][..], &["--binary"]] {
        let params = r#"{"tool":"fs.search","args":{"pattern":"fn main","path":"crates","limit":10000}}"#;
        let found = result(&dev, &[format, &["tool.execute", params]].concat());
        let mut matches: Vec<_> = found["matches"].as_array().expect("matches").iter().map(place).collect();
        matches.sort_unstable();
        let mut expected = Vec::new();
        search(&repository(), "crates", "fn main", &mut expected);
        expected.sort_unstable();
        assert!(!expected.is_empty());
        assert_eq!(matches, expected);
        assert_eq!(found["truncated"], false);
    }
}

fn place(found: &Value) -> (String, u64, String) {
    let text = |field: &str| found[field].as_str().expect("a text").to_owned();
    (text("path"), found["line"].as_u64().expect("a number"), text("text"))
}

/// Every line below a folder that holds this text.
fn search(root: &std::path::Path, folder: &str, text: &str, found: &mut Vec<(String, u64, String)>) {
    for entry in std::fs::read_dir(root.join(folder)).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let path = format!("{folder}/{}", entry.file_name().to_str().expect("our names are UTF-8"));
        if entry.file_type().expect("a file has a type").is_dir() {
            search(root, &path, text, found);
        } else {
            let content = std::fs::read_to_string(entry.path()).expect("our files are UTF-8");
            for (line, content) in (1..).zip(content.lines()).filter(|(_, line)| line.contains(text)) {
                found.push((path.clone(), line, content.to_owned()));
            }
        }
    }
}

#[test]
fn an_error_of_the_gateway_is_exit_code_1() {
    let dev = Dev::start();
    let ended = at(&dev, &["tool.execute", r#"{"tool":"no.such.tool"}"#]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("4010") && ended.stderr.contains("no.such.tool"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let dev = Dev::start();
    for wrong in [&["echo", "{"][..], &["echo", "@/no/such/file"], &["--no-such-flag", "echo"], &[]] {
        let ended = at(&dev, wrong);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{wrong:?}");
        assert!(!ended.stderr.is_empty());
    }
}

#[test]
fn no_gateway_and_no_entry_are_exit_code_3() {
    // Bound and never accepted from, then closed: nobody listens there.
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let url = format!("ws://{}/ws", free.expect("a port is free"));
    let ended = run(call(&url, "token").args(["echo", "1"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""));
    assert!(ended.stderr.contains("is the gateway running?"), "{}", ended.stderr);

    let dev = Dev::start();
    let ended = run(call(dev.url(), "no.valid.token").args(["echo", "1"]));
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""));
    assert!(ended.stderr.contains("401") && ended.stderr.contains("Bearer"), "{}", ended.stderr);
}

#[test]
fn a_call_without_an_answer_in_time_is_exit_code_4_or_the_gateways_own_word() {
    let mut dev = Dev::start();
    let sleep = r#"{"tool":"sleep","args":{"ms":60000}}"#;
    let ended = at(&dev, &["--timeout", "1s", "tool.execute", sleep]);
    assert!(matches!(ended.code, Some(1 | 4)), "{ended:?}");
    assert!(ended.code == Some(4) || ended.stderr.contains("4007"), "{}", ended.stderr);

    let mut waiting = Process::start(call(dev.url(), dev.token()).args(["tool.execute", sleep]));
    waiting.await_error("progress");
    dev.process.kill();
    assert_eq!(waiting.end().code, Some(4));
}

#[test]
fn progress_goes_to_standard_error_and_ctrl_c_cancels_at_the_backend() {
    let mut dev = Dev::start();
    let sleep = r#"{"tool":"sleep","args":{"ms":60000}}"#;
    let mut call = Process::start(call(dev.url(), dev.token()).args(["tool.execute", sleep]));
    call.await_error("progress ");
    call.signal("INT");
    let ended = call.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""));
    assert!(ended.stderr.contains("/60000"), "{}", ended.stderr);
    assert!(ended.stderr.ends_with("cancelling\ncancelled\n"), "{}", ended.stderr);
    dev.process.await_error("call cancelled");
}
