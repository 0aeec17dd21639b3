//! Calls of legacy clients: they outlive their stream, are found again, cancelled, and asked for input.

use crate::peer::{check_stream, heard};
use crate::{Peer, Server};
use serde_json::{Value, json};
use tests::{Counter, Gateway, Tools};

fn held(peer: &Peer, id: &Value, key: &str) -> tests::Http {
    let params = json!({"name": "count.once", "arguments": {"key": key, "held": true}});
    peer.send_own("text/event-stream", &[], &peer.message(id, "tools/call", &params))
}

#[test]
fn an_answer_whose_stream_was_lost_is_found_again() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    peer.await_tool("count.once");
    let mut http = held(&peer, &json!("a"), "key");
    check_stream(&mut http);
    let primer = http.sent();
    assert!(primer.id.starts_with("c.") && primer.data.is_empty(), "{primer:?}");
    counter.await_executed("key", 1);
    drop(http);
    let mut again = peer.listen(Some(&primer.id));
    counter.let_go();
    let sent = again.event();
    assert_ne!(sent.id, primer.id, "no two events of a session have one id");
    let answer = sent.json();
    assert_eq!((&answer["id"], &answer["result"]["structuredContent"]["executed"]), (&json!("a"), &json!(1)));
    again.stream_ended();
    assert_eq!(heard(&mut peer.listen(Some(&primer.id)))["id"], "a");
    assert_eq!(counter.executed("key"), 1);
    // Another session's events are nobody else's.
    let other = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let mut http = other.open();
    let session = other.session.as_deref().expect("a session");
    let headers =
        [("Accept", "text/event-stream"), ("Mcp-Session-Id", session), ("Last-Event-ID", &primer.id)];
    http.send_at("GET", "/mcp", &headers, None);
    assert_eq!(http.response().status, 400);
}

#[test]
fn a_cancelled_call_is_cancelled_wherever_it_runs() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let peer = Peer::legacy(&gateway, "2025-06-18", &json!({}));
    peer.await_tool("count.once");
    let mut http = held(&peer, &json!(17), "key");
    check_stream(&mut http);
    counter.await_executed("key", 1);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 17}});
    assert_eq!(peer.post_own(&cancel).status, 202);
    let end = heard(&mut http);
    assert_eq!((&end["id"], &end["error"]["code"]), (&json!(17), &json!(4008)), "{end}");
    http.stream_ended();
}

#[test]
fn a_client_is_asked_on_the_stream_of_its_call() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({"elicitation": {}}));
    peer.await_tool("words.own");
    let params = json!({"name": "words.own", "arguments": {"do": "ask"}});
    let mut http = peer.stream(&json!(5), "tools/call", &params);
    let asked = heard(&mut http);
    assert_eq!(
        (&asked["method"], &asked["params"]["message"]),
        (&json!("elicitation/create"), &json!("Who?"))
    );
    let answer = json!({"action": "accept", "content": {"name": "n"}});
    let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "result": answer});
    // Another session's answer is none.
    let other = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    assert_eq!(other.post_own(&json!({"jsonrpc": "2.0", "id": asked["id"], "result": {}})).status, 202);
    assert_eq!(peer.post_own(&json!({"jsonrpc": "2.0", "id": "x", "result": {}})).status, 400);
    let told = peer.post_own(&reply);
    assert_eq!((told.status, told.text()), (202, String::new()));
    let end = heard(&mut http);
    assert_eq!(end["result"]["structuredContent"], json!({"who": answer, "state": "s\"1"}), "{end}");
    http.stream_ended();

    let mut http = peer.stream(&json!(6), "tools/call", &params);
    let asked = heard(&mut http);
    let refusal = json!({"code": -1, "message": "User rejected"});
    peer.post_own(&json!({"jsonrpc": "2.0", "id": asked["id"], "error": refusal}));
    assert_eq!(heard(&mut http)["error"], refusal);
}

/// A call that was asked for input, was answered, and waits in its second round for news of the server; its stream, and the id of
/// the first event of that.
fn in_its_second_round(peer: &Peer, server: &Server) -> (tests::Http, String) {
    let params = json!({"name": "words.own", "arguments": {"do": "ask and wait"}});
    let message = peer.message(&json!(5), "tools/call", &params);
    let mut http = peer.send_own("text/event-stream", &[], &message);
    check_stream(&mut http);
    let primer = http.sent();
    let asked = heard(&mut http);
    let reply = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "decline"}});
    assert_eq!(peer.post_own(&reply).status, 202);
    tests::until("the second round", || server.last().contains("inputResponses").then_some(()));
    (http, primer.id)
}

#[test]
fn an_answer_that_took_another_round_is_found_again() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({"elicitation": {}}));
    peer.await_tool("words.own");
    let (http, primer) = in_its_second_round(&peer, &server);
    drop(http);
    let mut again = peer.listen(Some(&primer));
    server.update("words://1");
    for _ in 0..2 {
        let answer = heard(&mut again);
        assert_eq!(answer["result"]["structuredContent"]["who"], json!({"action": "decline"}), "{answer}");
        again.stream_ended();
        again = peer.listen(Some(&primer));
    }
}

#[test]
fn a_call_is_cancelled_in_whichever_round_it_is() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({"elicitation": {}}));
    peer.await_tool("words.own");
    let (mut http, _) = in_its_second_round(&peer, &server);
    let cancel = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}});
    assert_eq!(peer.post_own(&cancel).status, 202);
    assert_eq!(heard(&mut http)["error"]["code"], 4008);
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_client_that_can_t_be_asked_is_told_so() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    peer.await_tool("words.own");
    let answer = peer.answer("tools/call", &json!({"name": "words.own", "arguments": {"do": "ask"}}));
    let why = answer["error"]["message"].as_str().expect("an error");
    assert!(why.contains("elicitation/create"), "{why}");
}
