//! Requests of the era without sessions: results, streams, keys, subscriptions.

use crate::peer::{check_stream, heard};
use crate::{Peer, Server};
use serde_json::json;
use tests::{Counter, Gateway, Tools, until};

#[test]
fn a_client_discovers_and_calls_without_a_session() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("echo");
    let discovered = peer.ask("server/discover", &json!({}));
    assert_eq!(discovered["supportedVersions"][0], "2026-07-28", "{discovered}");
    let result = peer.call("echo", &json!({"text": "hé"}));
    assert_eq!(result["structuredContent"], json!({"text": "hé"}));
    assert_eq!(result["resultType"], "complete");
    // A session's id means nothing here.
    let call = peer.message(&json!(1), "tools/call", &json!({"name": "echo", "arguments": {}}));
    let answer = peer.send_own(crate::peer::BOTH, &[("Mcp-Session-Id", "x")], &call).response();
    assert_eq!((answer.status, answer.header("Mcp-Session-Id")), (200, None));
}

#[test]
fn a_notification_before_the_result_makes_the_answer_a_stream() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let _tools = Tools::at(&gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    peer.await_tool("sleep");
    let params = json!({"name": "words.own", "arguments": {"do": "tell"}, "_meta": {"progressToken": "t"}});
    let mut http = peer.stream(&json!("a"), "tools/call", &params);
    let progress = heard(&mut http);
    assert_eq!(progress["method"], "notifications/progress");
    assert_eq!(progress["params"], json!({"progressToken": "t", "progress": 1, "odd": 1.0}));
    assert_eq!(heard(&mut http)["method"], "notifications/message");
    let end = heard(&mut http);
    assert_eq!((&end["id"], &end["result"]["content"]), (&json!("a"), &json!([])));
    http.stream_ended();
    // A client that takes one object alone gets the result alone.
    let body = peer.message(&json!(2), "tools/call", &params);
    let answer = peer.send_own("application/json", &[], &body).response();
    assert_eq!(answer.json()["result"]["content"], json!([]));
    // Progress of a tool that knows nothing of the protocol.
    let params = json!({"name": "sleep", "arguments": {"ms": 300}, "_meta": {"progressToken": 5}});
    let mut http = peer.stream(&json!(3), "tools/call", &params);
    let progress = heard(&mut http);
    assert_eq!(progress["params"]["progressToken"], 5, "{progress}");
}

#[test]
fn marked_arguments_are_mirrored_by_headers() {
    let gateway = Gateway::start();
    let listed = r#"{"name":"sql","inputSchema":{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},"n":{"type":"integer","x-mcp-header":"N"}}}}"#;
    let listed = backend::Raw::parse(listed).expect("it is JSON");
    let answer = |_call: backend::Call, _params: backend::Raw| async move {
        Ok(backend::Raw::parse(r#"{"content":[],"resultType":"complete"}"#).expect("it is JSON"))
    };
    let backend = backend::Backend::new("db").tool(backend::Tool::mcp("sql", listed, answer));
    let _tools = Tools::serve(backend, &gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("sql");
    let arguments = json!({"region": "us", "n": 7});
    let call = peer.message(&json!(1), "tools/call", &json!({"name": "sql", "arguments": arguments}));
    for (headers, status) in [
        (&[("Mcp-Param-Region", "us"), ("Mcp-Param-N", "7")][..], 200),
        (&[("mcp-param-region", "=?base64?dXM=?="), ("MCP-PARAM-N", "7.0"), ("Mcp-Param-Other", "x")], 200),
        (&[("Mcp-Param-Region", "us")], 400),
        (&[("Mcp-Param-Region", "eu"), ("Mcp-Param-N", "7")], 400),
        (&[("Mcp-Param-Region", "us"), ("Mcp-Param-N", "8")], 400),
    ] {
        let answer = peer.send_own(crate::peer::BOTH, headers, &call).response();
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
        if status == 400 {
            assert_eq!(answer.json()["error"]["code"], -32020);
        }
    }
}

#[test]
fn a_client_that_goes_cancels_its_call() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    let params = json!({"name": "count.once", "arguments": {"key": "a", "held": true}});
    let http = peer.send_own(crate::peer::BOTH, &[], &peer.message(&json!(1), "tools/call", &params));
    counter.await_executed("a", 1);
    drop(http);
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_key_has_a_call_executed_once() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("count.once");
    let call = |key: &str, argument: &str| {
        let meta = json!({"mcpw/idempotencyKey": key});
        peer.answer(
            "tools/call",
            &json!({"name": "count.once", "arguments": {"key": argument}, "_meta": meta}),
        )
    };
    for _ in 0..3 {
        let result = call("k", "a");
        assert_eq!(result["result"]["structuredContent"]["executed"], 1, "{result}");
    }
    assert_eq!(counter.executed("a"), 1);
    let other = peer.post_own(&peer.message(
        &json!(1),
        "tools/call",
        &json!({"name": "count.once", "arguments": {"key": "b"}, "_meta": {"mcpw/idempotencyKey": "k"}}),
    ));
    assert_eq!(other.status, 422, "{}", other.text());
    assert_eq!(counter.executed("b"), 0);
    assert_eq!(call("l", "a")["result"]["structuredContent"]["executed"], 2);
    let long = peer.post_own(&peer.message(
        &json!(1),
        "tools/call",
        &json!({"name": "count.once", "arguments": {"key": "c"}, "_meta": {"mcpw/idempotencyKey": "x".repeat(129)}}),
    ));
    assert_eq!((long.status, &long.json()["error"]["code"]), (400, &json!(-32602)));
}

#[test]
fn a_question_comes_as_a_result_and_its_answer_as_another_request() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    let meta = json!({"mcpw/idempotencyKey": "k"});
    let params = json!({"name": "words.own", "arguments": {"do": "ask"}, "_meta": meta});
    let asked = peer.ask("tools/call", &params);
    assert_eq!(asked["resultType"], "input_required");
    let mut again = params;
    again["inputResponses"] = json!({"who": {"action": "decline"}});
    again["requestState"] = asked["requestState"].clone();
    for _ in 0..2 {
        let result = peer.ask("tools/call", &again);
        assert_eq!(result["structuredContent"]["who"], json!({"action": "decline"}));
    }
    // Each was asked once.
    assert_eq!(server.asked.lock().expect("nobody panics with it").len(), 2);
}

#[test]
fn whoever_listens_hears_what_it_wished_under_its_id() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let words = server.serve("words", &gateway);
    let peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    let wish = json!({"notifications": {"toolsListChanged": true, "resourceSubscriptions": ["words://1"]}});
    let mut http = peer.stream(&json!("s"), "subscriptions/listen", &wish);
    let subscription = |message: &serde_json::Value| {
        message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"].clone()
    };
    let first = heard(&mut http);
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["notifications"], wish["notifications"]);
    assert_eq!(subscription(&first), "s");
    server.update("words://1");
    let updated = heard(&mut http);
    assert_eq!(updated["method"], "notifications/resources/updated");
    assert_eq!((&updated["params"]["uri"], subscription(&updated)), (&json!("words://1"), json!("s")));
    drop(words);
    until("the tools to change", || {
        let message = heard(&mut http);
        assert_eq!(subscription(&message), "s");
        (message["method"] == "notifications/tools/list_changed").then_some(())
    });
}

#[test]
fn a_pod_that_goes_ends_the_streams_of_listeners_gracefully() {
    let mut gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    let wish = json!({"notifications": {"toolsListChanged": true}});
    let mut http =
        peer.send_own(crate::peer::BOTH, &[], &peer.message(&json!(9), "subscriptions/listen", &wish));
    check_stream(&mut http);
    heard(&mut http);
    gateway.drain();
    let end = heard(&mut http);
    assert_eq!((&end["id"], &end["result"]["resultType"]), (&json!(9), &json!("complete")), "{end}");
    assert_eq!(end["result"]["_meta"]["io.modelcontextprotocol/subscriptionId"], 9);
    http.stream_ended();
}

#[test]
fn what_the_client_would_have_to_be_able_to_do_has_a_status_of_its_own() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let call = |peer: &Peer, what: &str| {
        let params = json!({"name": "words.own", "arguments": {"do": what}});
        let answer = peer.post_own(&peer.message(&json!(1), "tools/call", &params));
        (answer.status, answer.json()["error"]["code"].clone())
    };
    let modern = Peer::modern(&gateway);
    modern.await_tool("words.own");
    assert_eq!(call(&modern, "lack"), (400, json!(-32021)));
    assert_eq!(call(&modern, "fail"), (200, json!(-32099)));
    let legacy = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    assert_eq!(call(&legacy, "lack"), (200, json!(-32021)), "a version that knows no such error");
}
