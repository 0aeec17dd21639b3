//! Tools: those of servers pass through as they are, any other becomes one.

use crate::server::TOOL;
use crate::{Peer, Server};
use auth::Claims;
use backend::{Backend, Call, Failure, Json, Raw, Tool};
use serde_json::{Value, json};
use tests::{Counter, Gateway, Request, Tools};

/// A tool that tells how far it is, one that fails, and one that is not for everybody.
pub(crate) fn native() -> Backend {
    let walk = Tool::new("walk", |call: Call, _: Raw| async move {
        call.progress(1.0, 2.0, "half").await;
        Ok(Json(json!({"done": true})))
    });
    let fail = Tool::new("fail", |_: Call, _: Raw| async move {
        Err::<Json<Value>, _>(Failure::new(backend::ErrorCode::InvalidParams, "name: a string is needed"))
    });
    let secret = Tool::new("secret", |_: Call, _: Raw| async move { Ok(Json(json!({}))) });
    Backend::new("native").tool(walk).tool(fail).tool(secret.scope("secrets"))
}

#[test]
fn a_native_tool_is_listed_and_called_as_one_of_the_protocol() {
    let gateway = Gateway::start();
    let _tools = Tools::serve(native(), &gateway);
    for mut peer in [Peer::modern(&gateway), Peer::legacy(&gateway, "2025-11-25")] {
        peer.await_tool("walk");
        let params = json!({"name": "walk", "_meta": {"progressToken": "p"}});
        peer.send(&json!(7), "tools/call", &params);
        let told = peer.note("notifications/progress");
        assert_eq!(told, json!({"progressToken": "p", "progress": 1, "total": 2, "message": "half"}));
        let result = peer.result(&json!(7));
        assert_eq!(result["structuredContent"], json!({"done": true}));
        assert_eq!(result["content"], json!([{"type": "text", "text": "{\"done\":true}"}]));
        let failed = peer.call("fail", &json!({}));
        assert_eq!(failed["isError"], true, "{failed}");
        assert_eq!(failed["content"][0]["text"], "name: a string is needed");
        let error = peer.wrong("tools/call", &json!({"name": "none"}), -32602);
        assert!(error["message"].as_str().is_some_and(|text| text.contains("none")), "{error}");
        peer.wrong("tools/call", &json!({}), -32602);
    }
}

#[test]
fn who_lacks_a_scope_neither_sees_a_tool_nor_calls_it() {
    let gateway = Gateway::start();
    let _tools = Tools::serve(native(), &gateway);
    Peer::modern(&gateway).await_tool("secret");
    let token = gateway.keys.mint(&Claims { scopes: vec![], ..Claims::new("tenant", "agent") });
    let offer = format!("mcp, mcpw.bearer.{token}");
    let request = Request::upgrade(gateway.clients).with("Sec-WebSocket-Protocol", &offer);
    let mut client = gateway.accepted(&request);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    client.json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": meta}}));
    let listed = client.message();
    let names: Vec<&str> = listed["result"]["tools"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    assert_eq!(names, ["fail", "walk"]);
    client.json(
        &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "secret", "_meta": meta}}),
    );
    assert_eq!(client.message()["error"]["code"], 4013);
}

#[test]
fn a_servers_tool_passes_byte_for_byte() {
    let gateway = Gateway::start();
    let server = Server::new();
    let _backend = server.serve("words", &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    peer.send(&json!(1), "tools/list", &json!({}));
    let listed = peer.frame("a list of tools").text().to_owned();
    let renamed = TOOL.replace("\"own\"", "\"words.own\"");
    assert!(listed.contains(&renamed), "{listed}");
    let arguments = r#"{ "a" : 1.0,"b":"\u0062", "c":[ 1e2 ] }"#;
    let meta = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"own/key":[ 2.50 ]}"#;
    let params = format!(r#"{{"name":"words.own","arguments":{arguments}, "later" : {{}},"_meta":{meta}}}"#);
    peer.text(&format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{params}}}"#));
    let answer = peer.frame("a result").text().to_owned();
    assert_eq!(server.last(), params, "the server is sent what the client wrote");
    for part in
        [r#""text":"h\u0069","later":1.0"#, r#""structuredContent":[ 1.0 ]"#, r#""unknown":{ "a" :[ 2e1 ] }"#]
    {
        assert!(answer.contains(part), "{answer}");
    }
    let mut legacy = Peer::legacy(&gateway, "2025-06-18");
    let result = legacy.call("words.own", &json!({}));
    assert_eq!(result["unknown"], json!({"a": [20.0]}));
    assert!(result["resultType"].is_null() && result["structuredContent"].is_null(), "{result}");
    let sent: Value = serde_json::from_str(&server.last()).expect("it is JSON");
    assert_eq!(sent["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    assert_eq!(sent["_meta"]["io.modelcontextprotocol/clientInfo"]["name"], "peer");
}

#[test]
fn what_a_server_tells_meanwhile_and_its_own_errors_pass() {
    let gateway = Gateway::start();
    let server = Server::new();
    let _backend = server.serve("words", &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    let params = json!({"name": "words.own", "arguments": {"do": "tell"}, "_meta": {"progressToken": 5}});
    peer.send(&json!("t"), "tools/call", &params);
    assert_eq!(peer.note("notifications/progress"), json!({"progressToken": 5, "progress": 1, "odd": 1.0}));
    assert_eq!(peer.note("notifications/message"), json!({"level": "info", "data": [1.0]}));
    peer.result(&json!("t"));
    let error = peer.wrong("tools/call", &json!({"name": "words.own", "arguments": {"do": "fail"}}), -32099);
    assert_eq!((&error["message"], &error["data"]), (&json!("own"), &json!({"k": 1.0})));
}

#[test]
fn a_cancelled_call_ends_at_the_backend_and_is_not_answered() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    for mut peer in [Peer::modern(&gateway), Peer::legacy(&gateway, "2025-11-25")] {
        peer.await_tool("count.again");
        let before = counter.executed("k");
        peer.send(
            &json!("c"),
            "tools/call",
            &json!({"name": "count.again", "arguments": {"key": "k", "held": true}}),
        );
        counter.await_executed("k", before + 1);
        let cancel = json!({"requestId": "c", "reason": "enough"});
        peer.json(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}));
        peer.json(
            &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "none"}}),
        );
        peer.call("count.again", &json!({"key": "other"}));
    }
    gateway.await_metric("backend_calls_in_flight", 0.0);
}
