//! Servers that ask their client for something while a call runs.

use crate::{Peer, Server};
use serde_json::json;
use tests::Gateway;

#[test]
fn a_modern_client_gets_the_question_as_a_result_and_asks_again() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    let asked = peer.call("words.own", &json!({"do": "ask"}));
    assert_eq!(asked["resultType"], "input_required");
    assert_eq!(asked["inputRequests"]["who"]["method"], "elicitation/create");
    let again = json!({
        "name": "words.own",
        "arguments": {"do": "ask"},
        "inputResponses": {"who": {"action": "accept", "content": {"name": "n"}}},
        "requestState": asked["requestState"],
    });
    let result = peer.ask("tools/call", &again);
    assert_eq!(result["structuredContent"]["who"]["content"], json!({"name": "n"}));
    assert_eq!(result["structuredContent"]["state"], "s\"1");
}

#[test]
fn a_legacy_client_is_asked_by_a_request_and_its_own_stays_in_flight() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let mut peer = Peer::legacy(&gateway, "2025-11-25");
    peer.await_tool("words.own");
    peer.send(&json!(5), "tools/call", &json!({"name": "words.own", "arguments": {"do": "ask"}}));
    let asked = peer.message();
    assert_eq!(asked["method"], "elicitation/create", "{asked}");
    assert_eq!(asked["params"]["message"], "Who?");
    assert_eq!(asked["params"]["odd"], 1.5);
    peer.json(&json!({"jsonrpc": "2.0", "id": "another", "result": {}}));
    let answer = json!({"action": "accept", "content": {"name": "n"}});
    peer.json(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer}));
    let result = peer.result(&json!(5));
    assert_eq!(result["structuredContent"], json!({"who": answer, "state": "s\"1"}));

    peer.send(&json!(6), "tools/call", &json!({"name": "words.own", "arguments": {"do": "ask"}}));
    let asked = peer.message();
    let refusal = json!({"code": -1, "message": "User rejected"});
    peer.json(&json!({"jsonrpc": "2.0", "id": asked["id"], "error": refusal}));
    assert_eq!(peer.answer(&json!(6))["error"], refusal);
}
