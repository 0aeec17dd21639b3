//! A legacy session outlives its connection and its pod.

use crate::Peer;
use serde_json::{Value, json};
use tests::{Counter, Pods, Tools};

pub(crate) fn resume(opened: &Value, unanswered: &Value) -> Value {
    let session = &opened["_meta"]["mcpw/session"];
    json!({"mcpw/resume": {
        "session_id": session["session_id"],
        "resume_token": session["resume_token"],
        "unanswered": unanswered,
    }})
}

#[test]
fn a_client_that_lost_its_pod_gets_the_stored_result_at_another() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (one, two) = (pods.pod(), pods.pod());
    let _tools = Tools::serve(counter.backend(), &one);
    let mut first = Peer::legacy(&one, "2025-11-25");
    first.await_tool("count.once");
    Peer::modern(&two).await_tool("count.once");
    let session = &first.opened["_meta"]["mcpw/session"];
    assert_eq!(session["resumed"], false, "{}", first.opened);
    assert!(session["resume_window_ms"].as_u64().is_some_and(|window| window > 0));
    let call = json!({"name": "count.once", "arguments": {"key": "k", "held": true}});
    first.send(&json!("held"), "tools/call", &call);
    counter.await_executed("k", 1);
    let meta = resume(&first.opened, &json!(["held", 99]));
    first.cut();
    let mut second = Peer::initialize(&two, "2025-11-25", &meta);
    let session = second.opened["_meta"]["mcpw/session"].clone();
    assert_eq!((&session["resumed"], &session["resend"]), (&json!(true), &json!([99])), "{session}");
    counter.let_go();
    let result = second.result(&json!("held"));
    assert_eq!(result["structuredContent"], json!({"key": "k", "executed": 1}));
    assert_eq!(counter.executed("k"), 1);
}

#[test]
fn a_resume_with_a_wrong_token_is_refused() {
    let pods = Pods::new();
    let pod = pods.pod();
    let first = Peer::legacy(&pod, "2025-11-25");
    let mut meta = resume(&first.opened, &json!([]));
    meta["mcpw/resume"]["resume_token"] = json!("A".repeat(43));
    let mut client = pod.accepted(&pod.upgrade().with("Sec-WebSocket-Protocol", "mcp"));
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}, "_meta": meta});
    client.json(&json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}));
    assert_eq!(client.message()["error"]["code"], 4001);
    client.closed(4401);
}
