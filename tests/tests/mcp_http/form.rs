//! What the transport itself takes and refuses: methods, media types, headers, forms of messages.

use crate::Peer;
use crate::peer::BOTH;
use serde_json::{Value, json};
use tests::{Gateway, Http, Response};

#[track_caller]
fn check(answer: &Response, status: u16, code: i64) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let body = answer.json();
    assert_eq!((&body["jsonrpc"], &body["error"]["code"]), (&json!("2.0"), &json!(code)), "{body}");
    body
}

#[test]
fn the_headers_of_a_modern_request_say_what_its_body_does() {
    let gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    let list = peer.message(&json!(1), "tools/list", &json!({}));
    let version = ("MCP-Protocol-Version", "2026-07-28");
    let method = ("Mcp-Method", "tools/list");
    assert_eq!(peer.post(&[version, method], &list).status, 200);
    for headers in [
        &[method][..],
        &[version],
        &[("MCP-Protocol-Version", "2025-11-25"), method],
        &[version, ("Mcp-Method", "tools/call")],
        &[version, ("Mcp-Method", "TOOLS/LIST")],
        &[version, method, method],
    ] {
        let body = check(&peer.post(headers, &list), 400, -32020);
        assert_eq!(body["id"], 1, "{headers:?}");
    }
    let call = peer.message(&json!("a"), "tools/call", &json!({"name": "échö", "arguments": {}}));
    let method = ("Mcp-Method", "tools/call");
    check(&peer.post(&[version, method], &call), 400, -32020);
    check(&peer.post(&[version, method, ("Mcp-Name", "echo")], &call), 400, -32020);
    // An unknown tool, but the header was understood.
    check(&peer.post(&[version, method, ("Mcp-Name", "=?base64?w6ljaMO2?=")], &call), 200, -32602);
}

#[test]
fn a_version_that_is_not_spoken_is_told_with_those_that_are() {
    let gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    let mut list = peer.message(&json!(1), "tools/list", &json!({}));
    list["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("1900-01-01");
    let headers = [("MCP-Protocol-Version", "1900-01-01"), ("Mcp-Method", "tools/list")];
    let body = check(&peer.post(&headers, &list), 400, -32022);
    assert_eq!(body["error"]["data"]["requested"], "1900-01-01");
    assert_eq!(body["error"]["data"]["supported"][0], "2026-07-28");
    // Without capabilities, or without any _meta, a modern request is malformed.
    let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")];
    let bare = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta":
        {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}});
    check(&peer.post(&headers, &bare), 400, -32602);
    check(&peer.post(&headers, &json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})), 400, -32602);
    // Of a legacy message, too.
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    check(&peer.post(&[("MCP-Protocol-Version", "1900-01-01")], &ping), 400, -32022);
}

#[test]
fn an_unknown_method_is_not_found_and_the_body_says_so() {
    let gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    for method in ["nothing/there", "initialize", "ping", "logging/setLevel", "notifications/cancelled"] {
        let answer = peer.post_own(&peer.message(&json!(1), method, &json!({})));
        check(&answer, 404, -32601);
    }
    let legacy = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let answer = legacy.post_own(&legacy.message(&json!(1), "nothing/there", &json!({})));
    check(&answer, 200, -32601);
}

#[test]
fn what_is_no_message_is_refused() {
    let gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        ("7", -32600),
        (r#"{"id":1,"method":"a"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[]}"#, -32600),
    ] {
        let mut http = peer.open();
        http.send_at("POST", "/mcp", &[("Accept", BOTH)], Some(body));
        check(&http.response(), 400, code);
    }
    let answer = json!({"jsonrpc": "2.0", "id": 1, "result": {}});
    check(&peer.post(&[("MCP-Protocol-Version", "2026-07-28")], &answer), 400, -32600);
}

#[test]
fn media_types_and_methods_are_judged() {
    let gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    let body = peer.message(&json!(1), "tools/list", &json!({}));
    for (accept, status, kind) in [
        (BOTH, 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/json", 200, "application/json"),
        ("text/html", 406, "application/json"),
    ] {
        let answer = peer.send_own(accept, &[], &body).response();
        assert_eq!((answer.status, answer.header("Content-Type")), (status, Some(kind)), "{accept}");
    }
    let mut http = peer.send_own("text/event-stream", &[], &body);
    crate::peer::check_stream(&mut http);
    assert!(crate::peer::heard(&mut http)["result"]["tools"].is_array());
    http.stream_ended();
    check(&peer.send_own(BOTH, &[("Content-Type", "text/plain")], &body).response(), 415, -32600);
    for method in ["PUT", "PATCH", "OPTIONS"] {
        let mut http = peer.open();
        http.send_at(method, "/mcp", &[], None);
        let answer = http.response();
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST, GET, DELETE")), "{method}");
    }
    for method in ["GET", "DELETE"] {
        let mut http = peer.open();
        let headers = [("MCP-Protocol-Version", "2026-07-28"), ("Accept", "text/event-stream")];
        http.send_at(method, "/mcp", &headers, None);
        let answer = http.response();
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("POST")), "{method}");
    }
}

#[test]
fn pages_of_other_origins_are_not_let_in() {
    let gateway = Gateway::start();
    let peer = Peer::modern(&gateway);
    let body = peer.message(&json!(1), "tools/list", &json!({}));
    for (origin, status) in [("https://evil.example", 403), ("null", 403), ("http://localhost:3000", 200)] {
        let answer = peer.send_own(BOTH, &[("Origin", origin)], &body).response();
        assert_eq!(answer.status, status, "{origin}");
        if status == 403 {
            let body = answer.json();
            assert!(body.get("id").is_none() && body["error"]["code"].is_i64(), "{body}");
        }
    }
    // A ticket is for WebSockets, and a token never stands in a URL.
    for query in ["ticket=x", "token=x"] {
        let mut http: Http = peer.open();
        http.send_at("POST", &format!("/mcp?{query}"), &[("Accept", BOTH)], Some(&body.to_string()));
        assert_eq!(http.response().status, 401, "{query}");
    }
}
