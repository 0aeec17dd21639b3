//! Messages that end in an error of the gateway's or a backend's making, which are told though their traces are not kept.

use crate::{TRACE, ask, collector, parent, settle, traced};
use serde_json::json;
use std::time::Duration;
use tests::{Counter, Tools};

/// How long the call waits for a tool that never answers.
const TIMEOUT: Duration = Duration::from_millis(300);

#[test]
fn an_error_is_told_with_its_true_start_though_nothing_is_kept() {
    let collector = collector();
    let gateway = traced(&collector, 0.0);
    let counter = Counter::new();
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut client = gateway.connect();
    client.await_tool("count.once");
    let held = json!({"key": "k", "held": true});
    let call = json!({"tool": "count.once", "args": held, "timeout_ms": TIMEOUT.as_millis() as u64});
    client.ask_wrong("tool.execute", &call, 4007);
    let message = collector.await_named("tool.execute count.once");
    assert!(message.failed, "{message:?}");
    assert_eq!(message.attribute("error.type"), Some("4007"));
    assert!(message.time.1 - message.time.0 >= TIMEOUT.as_nanos() as u64, "{message:?}");
    let call = collector.await_named("mcpw.v1.Backend/Calls");
    assert_eq!((&call.trace, &call.parent, &*call.kind), (&message.trace, &message.id, "CLIENT"));
    assert!(call.time.1 - call.time.0 >= TIMEOUT.as_nanos() as u64 - 10_000_000, "{call:?}");
    // What nobody needs to know stays untold.
    client.ask("echo", &json!(1));
    client.ask_wrong("tool.execute", &json!({"tool": "nobody's"}), 4010);
    client.ask_wrong("nobody.knows", &json!({}), 4004);
    settle(&collector, &gateway);
    assert_eq!(collector.spans().len(), 3, "{:?}", collector.spans());
}

#[test]
fn an_error_is_told_within_a_trace_that_its_head_does_not_keep() {
    let collector = collector();
    let gateway = traced(&collector, 0.0);
    let counter = Counter::new();
    let tools = Tools::serve(counter.backend(), &gateway);
    let mut client = gateway.connect();
    client.await_tool("count.once");
    client.json(&json!({
        "id": "gone", "type": 0, "method": "tool.execute",
        "params": {"tool": "count.once", "args": {"key": "k", "held": true}},
        "meta": {"traceparent": parent(TRACE, false)},
    }));
    counter.await_executed("k", 1);
    drop(tools);
    let answer = client.message();
    assert_eq!(answer["error"]["code"], 4009, "{answer}");
    let message = collector.await_named("tool.execute count.once");
    assert_eq!(message.trace, TRACE);
    assert_eq!(message.attribute("error.type"), Some("4009"));
    let echo = ask(&mut client, "fine", "echo", &json!(1), &parent(TRACE, false));
    assert_eq!(echo["result"], 1);
    settle(&collector, &gateway);
    assert!(collector.spans().iter().all(|span| span.trace != TRACE || span.name != "echo"));
}
