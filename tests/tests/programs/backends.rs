//! A backend that comes after the gateway, and one that is killed.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::Client;

use crate::gateway;
use crate::repository;
use crate::tools::Tools;

const SECOND: Duration = Duration::from_secs(1);

fn is_listed(client: &mut Client, tool: &str) -> bool {
    let list = client.ask("tool.list", &json!({}));
    list["tools"].as_array().expect("a list").iter().any(|listed| listed["name"] == tool)
}

#[test]
fn a_backend_started_after_the_gateway_is_listed_within_a_second() {
    let gateway = gateway();
    let mut client = gateway.connect();
    assert!(!is_listed(&mut client, "fs.search"));
    let started = Instant::now();
    let _tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    client.await_tool("fs.search");
    let took = started.elapsed();
    assert!(took < SECOND, "{took:?}");
}

#[test]
fn a_backend_killed_with_sigkill_fails_its_calls_within_a_second() {
    let gateway = gateway();
    let mut client = gateway.connect();
    let mut tools = Tools::start(&gateway, &repository(), "127.0.0.1:0");
    client.await_tool("sleep");
    client.request("nap", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 60_000}}));
    assert_eq!(client.message()["method"], "tool.progress");

    let killed = Instant::now();
    tools.process.kill();
    let ended = loop {
        let message = client.message();
        if message["method"] != "tool.progress" {
            break message;
        }
    };
    let took = killed.elapsed();
    assert_eq!((&ended["id"], &ended["error"]["code"]), (&json!("nap"), &json!(4009)), "{ended}");
    assert!(took < SECOND, "{took:?}");

    // The connection lives on, and the tool is gone from the list in the same second.
    client.check_alive();
    tests::until("the tool to be gone", || (!is_listed(&mut client, "sleep")).then_some(()));
    let took = killed.elapsed();
    assert!(took < SECOND, "{took:?}");
    client.ask_wrong("tool.execute", &json!({"tool": "sleep", "args": {"ms": 1}}), 4010);
}

#[test]
fn a_backend_that_comes_back_is_used_again() {
    let gateway = gateway();
    let mut client = gateway.connect();
    let mut address = "127.0.0.1:0".to_owned();
    for _ in 0..3 {
        let mut tools = Tools::start(&gateway, &repository(), &address);
        client.await_tool("echo");
        let params = json!({"tool": "echo", "args": {"text": "here"}});
        let answer: Value = client.ask("tool.execute", &params);
        assert_eq!(answer["text"], "here", "{answer}");
        address.clone_from(&tools.address);
        tools.process.kill();
        tests::until("the tool to be gone", || (!is_listed(&mut client, "echo")).then_some(()));
    }
}
