//! Keys of modern calls: whoever sends a call again after a connection was lost finds it, at whichever pod.

use crate::{Peer, Server};
use serde_json::{Value, json};
use tests::{Counter, Draft, Gateway, Pods, Socket, Tools};

fn call(key: &str, argument: &str, held: bool) -> Value {
    json!({
        "name": "count.once",
        "arguments": {"key": argument, "held": held},
        "_meta": {"mcpw/idempotencyKey": key},
    })
}

#[test]
fn a_call_that_is_sent_again_after_its_connection_gets_its_result() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut first = Peer::modern(&gateway);
    first.await_tool("count.once");
    first.send(&json!("a"), "tools/call", &call("k", "x", true));
    counter.await_executed("x", 1);
    first.cut();
    let mut second = Peer::modern(&gateway);
    second.send(&json!("b"), "tools/call", &call("k", "x", true));
    // It waits for the one that runs, and so does another on the same connection.
    second.send(&json!("c"), "tools/call", &call("k", "x", true));
    assert_eq!(second.ask("server/discover", &json!({}))["resultType"], "complete");
    counter.let_go();
    let mut ids: Vec<Value> = (0..2)
        .map(|_| {
            let message = second.message();
            assert_eq!(
                message["result"]["structuredContent"],
                json!({"key": "x", "executed": 1}),
                "{message}"
            );
            message["id"].clone()
        })
        .collect();
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, ["b", "c"]);
    // It is found later too.
    let result = Peer::modern(&gateway).ask("tools/call", &call("k", "x", true));
    assert_eq!(result["structuredContent"]["executed"], 1);
    assert_eq!(counter.executed("x"), 1);
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_call_that_is_sent_again_at_another_pod_gets_its_result() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (here, there) = (pods.pod(), pods.pod());
    let _tools = Tools::serve(counter.backend(), &here);
    let (mut first, mut other) = (Peer::modern(&here), Peer::modern(&there));
    first.await_tool("count.once");
    other.await_tool("count.once");
    first.send(&json!(1), "tools/call", &call("k", "x", true));
    counter.await_executed("x", 1);
    first.cut();
    // While it runs, and after.
    other.send(&json!(1), "tools/call", &call("k", "x", true));
    counter.let_go();
    for _ in 0..2 {
        assert_eq!(other.result(&json!(1))["structuredContent"]["executed"], 1);
        other.send(&json!(1), "tools/call", &call("k", "x", true));
    }
    assert_eq!(other.result(&json!(1))["structuredContent"]["executed"], 1);
    assert_eq!(counter.executed("x"), 1);
}

#[test]
fn a_key_is_one_over_http_and_the_websocket() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    assert_eq!(peer.ask("tools/call", &call("k", "x", false))["structuredContent"]["executed"], 1);
    let mut params = call("k", "x", false);
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).to_string();
    let mut socket = gateway.open();
    let token = gateway.keys.token();
    socket.send(
        format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nAccept: application/json, text/event-stream\r\n\
             Content-Type: application/json\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n\
             Mcp-Name: count.once\r\nContent-Length: {}\r\n\r\n{body}",
            gateway.clients,
            body.len()
        )
        .as_bytes(),
    );
    let answer = socket.response();
    assert!(answer.text().contains("\"executed\":1"), "{answer:?}");
    assert_eq!(counter.executed("x"), 1);
}

#[test]
fn a_key_is_for_one_request() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    peer.ask("tools/call", &call("k", "x", false));
    let error = peer.wrong("tools/call", &call("k", "y", false), 4011);
    assert!(
        error["message"].as_str().is_some_and(|why| why.contains("was used for another request")),
        "{error}"
    );
    assert_eq!(counter.executed("y"), 0);
    // Neither is it for another tool with the same arguments, nor for an argument that is named as what requests say of themselves.
    let mut other = call("k", "x", false);
    other["name"] = json!("count.again");
    peer.wrong("tools/call", &other, 4011);
    let mut other = call("k", "x", false);
    other["arguments"]["_meta"] = json!({});
    peer.wrong("tools/call", &other, 4011);
    // What a request says about itself may change, and another key is another call.
    let mut again = call("k", "x", false);
    again["_meta"]["progressToken"] = json!("another");
    assert_eq!(peer.ask("tools/call", &again)["structuredContent"]["executed"], 1);
    assert_eq!(peer.ask("tools/call", &call("l", "x", false))["structuredContent"]["executed"], 2);
    // Nobody else's key is this one.
    let stranger =
        gateway.keys.mint(&auth::Claims { scopes: vec!["*".into()], ..auth::Claims::new("tenant", "b") });
    let mut stranger = Peer::modern_as(&gateway, &stranger);
    assert_eq!(stranger.ask("tools/call", &call("k", "x", false))["structuredContent"]["executed"], 3);
}

#[test]
fn a_key_has_1_to_128_bytes() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    let longest = "x".repeat(128);
    for _ in 0..2 {
        let result = peer.ask("tools/call", &call(&longest, "x", false));
        assert_eq!(result["structuredContent"]["executed"], 1);
    }
    for wrong in [String::new(), "x".repeat(129), "é".repeat(65)] {
        let error = peer.wrong("tools/call", &call(&wrong, "y", false), -32602);
        assert!(error["message"].as_str().is_some_and(|why| why.contains("1 to 128 bytes")), "{error}");
    }
    assert_eq!(counter.executed("y"), 0);
}

#[test]
fn a_result_that_is_too_large_to_be_kept_is_told_as_such_and_the_call_is_not_made_again() {
    let counter = Counter::new();
    let gateway = Gateway::with(|config| config.store.bounds.journal_bytes = 64);
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    let long = "x".repeat(500);
    let result = peer.ask("tools/call", &call("k", &long, false));
    assert_eq!(result["structuredContent"], json!({"key": long, "executed": 1}), "whoever waits gets it");
    let error = peer.wrong("tools/call", &call("k", &long, false), 4006);
    assert!(error["message"].as_str().is_some_and(|why| why.contains("was not kept")), "{error}");
    assert_eq!(counter.executed(&long), 1);
}

#[test]
fn a_call_with_a_key_is_cancelled_by_whoever_waits_for_it() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (here, there) = (pods.pod(), pods.pod());
    let _tools = Tools::serve(counter.backend(), &here);
    let (mut first, mut other) = (Peer::modern(&here), Peer::modern(&there));
    first.await_tool("count.once");
    other.await_tool("count.once");
    first.send(&json!(1), "tools/call", &call("k", "x", true));
    counter.await_executed("x", 1);
    other.send(&json!(7), "tools/call", &call("k", "x", true));
    // It is known there once something behind it is answered.
    other.ask("server/discover", &json!({}));
    other.json(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}));
    assert_eq!(first.answer(&json!(1))["error"]["code"], 4008);
    here.await_metric("backend_calls_in_flight", 0.0);
    // Whoever has cancelled it is answered nothing.
    other.ask("server/discover", &json!({}));
}

#[test]
fn a_call_with_a_key_is_cancelled_before_the_journal_has_it() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    let request = peer.request(&json!(7), "tools/call", &call("k", "x", true));
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}});
    // Both are read at once.
    let frames = [request, cancel].map(|message| Draft::text(&message.to_string()).bytes()).concat();
    Socket::send(&mut peer, &frames);
    peer.wrong("tools/call", &call("k", "x", true), 4008);
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_question_and_its_answer_are_each_kept_under_the_key() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    for ask in ["ask", "ask without a state"] {
        let meta = json!({"mcpw/idempotencyKey": ask});
        let params = json!({"name": "words.own", "arguments": {"do": ask}, "_meta": meta});
        let asked = peer.ask("tools/call", &params);
        assert_eq!(asked["resultType"], "input_required");
        assert_eq!(peer.ask("tools/call", &params), asked);
        let mut again = params;
        again["inputResponses"] = json!({"who": {"action": "decline"}});
        if let Some(state) = asked.get("requestState") {
            again["requestState"] = state.clone();
        }
        for _ in 0..2 {
            let result = peer.ask("tools/call", &again);
            assert_eq!(result["structuredContent"]["who"], json!({"action": "decline"}));
        }
        // Answers that are others are another request.
        again["inputResponses"] = json!({"who": {"action": "cancel"}});
        peer.wrong("tools/call", &again, 4011);
    }
    assert_eq!(server.asked.lock().expect("nobody panics with it").len(), 4, "each was asked once");
}
