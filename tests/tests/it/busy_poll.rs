//! A shard that looks for what comes next of calls before its thread sleeps.

use backend::{Backend, Call, Failure, Raw, Tool};
use serde_json::json;
use std::time::Duration;
use tests::{Client, Process, Tools, until};

const SHARD: &str = "shard-0";
const ROUNDS: u64 = 500;
/// How long it looks, in milliseconds.
const LIMIT: u64 = 10;

fn polling() -> Process {
    crate::process(|config| {
        config.runtime.shards = 1;
        config.runtime.busy_poll_us = LIMIT as u32 * 1_000;
    })
}

/// A call of this tool under way.
fn calling(gateway: &Process, tool: &str) -> Client {
    let mut client = gateway.connect();
    client.await_tool(tool);
    client.request("call", "tool.execute", &json!({"tool": tool, "args": {"ms": 600_000}}));
    assert_eq!(client.message()["method"], "tool.progress");
    client
}

/// Tells how far it is, sooner than the shard gives up looking, and never ends.
async fn tick(call: Call, _args: Raw) -> Result<Raw, Failure> {
    let mut ticks = tokio::time::interval(Duration::from_millis(LIMIT / 4));
    loop {
        ticks.tick().await;
        call.progress(0.0, None, "").await;
    }
}

fn sleeps(process: &Process) -> u64 {
    process.usage().sleeps(SHARD)
}

#[test]
fn a_shard_that_serves_calls_does_not_sleep_while_much_comes() {
    let gateway = polling();
    let _tools = Tools::at(&gateway);
    let _calling = calling(&gateway, "sleep");
    let mut client = gateway.connect();
    client.check_alive();
    let before = sleeps(&gateway);
    for _ in 0..ROUNDS {
        client.check_alive();
    }
    let slept = sleeps(&gateway) - before;
    assert!(slept < ROUNDS / 4, "slept {slept} times");
}

#[test]
fn a_shard_that_serves_calls_no_more_sleeps_at_once() {
    let gateway = polling();
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("echo");
    client.ask("tool.execute", &json!({"tool": "echo", "args": {}}));
    let before = gateway.usage().cpu_ms();
    for _ in 0..ROUNDS {
        let before = sleeps(&gateway);
        client.check_alive();
        until("a sleep", || (sleeps(&gateway) > before).then_some(()));
    }
    let used = gateway.usage().cpu_ms() - before;
    assert!(used < ROUNDS * LIMIT / 4, "used the CPU for {used} ms");
}

#[test]
fn a_shard_does_not_look_for_what_comes_late() {
    const SLEEPS: u64 = 30;
    let gateway = polling();
    let _tools = Tools::at(&gateway);
    let _calling = calling(&gateway, "sleep");
    let (before, begun) = (gateway.usage().cpu_ms(), sleeps(&gateway));
    // Its clock wakes it, and the progress of the call.
    until("sleeps", || (sleeps(&gateway) >= begun + SLEEPS).then_some(()));
    let used = gateway.usage().cpu_ms() - before;
    assert!(used < SLEEPS * LIMIT / 2, "used the CPU for {used} ms");
}

#[test]
fn what_is_looked_for_in_vain_is_no_work() {
    let gateway = polling();
    let _tools = Tools::serve(Backend::new("ticks").tool(Tool::new("tick", tick)), &gateway);
    let _calling = calling(&gateway, "tick");
    let before = gateway.usage().cpu_ms();
    until("use of the CPU", || (gateway.usage().cpu_ms() >= before + 200).then_some(()));
    let busy = gateway.metrics().value("shard_busy_seconds_total{shard=\"0\"}");
    assert!(busy < 0.1, "{busy} s");
}
