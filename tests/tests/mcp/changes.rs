//! Backends come and go: clients are told that what is offered has changed.

use crate::{Peer, Server};
use serde_json::json;
use tests::{Counter, Gateway, Tools};

#[test]
fn lists_that_change_are_told() {
    let (gateway, counter, server) = (Gateway::start(), Counter::new(), Server::new());
    let mut legacy = Peer::legacy(&gateway, "2025-11-25");
    let mut modern = Peer::modern(&gateway);
    let filter = json!({"notifications": {"toolsListChanged": true, "promptsListChanged": true}});
    modern.send(&json!(3), "subscriptions/listen", &filter);
    assert_eq!(
        modern.note("notifications/subscriptions/acknowledged")["notifications"],
        filter["notifications"]
    );
    let tools = Tools::serve(counter.backend(), &gateway);
    let told = modern.note("notifications/tools/list_changed");
    assert_eq!(told["_meta"]["io.modelcontextprotocol/subscriptionId"], 3);
    assert_eq!(legacy.note("notifications/tools/list_changed"), json!(null));
    let _server = server.serve("words", &gateway);
    modern.note("notifications/tools/list_changed");
    modern.note("notifications/prompts/list_changed");
    for method in ["tools", "resources", "prompts"] {
        legacy.note(&format!("notifications/{method}/list_changed"));
    }
    drop(tools);
    legacy.note("notifications/tools/list_changed");
    modern.note("notifications/tools/list_changed");
}

#[test]
fn resources_of_servers_are_heard_of() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let mut modern = Peer::modern(&gateway);
    modern.await_tool("words.own");
    let filter = json!({"notifications": {"resourceSubscriptions": ["words://1", "none://1"]}});
    modern.send(&json!("l"), "subscriptions/listen", &filter);
    let acknowledged = modern.note("notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["notifications"], json!({"resourceSubscriptions": ["words://1"]}));
    server.update("words://1");
    let told = modern.note("notifications/resources/updated");
    assert_eq!(told["uri"], "words://1");
    assert_eq!(told["_meta"]["io.modelcontextprotocol/subscriptionId"], "l");
}

#[test]
fn who_listens_is_told_that_the_pod_drains() {
    let mut gateway = Gateway::start();
    let mut modern = Peer::modern(&gateway);
    let filter = json!({"notifications": {"toolsListChanged": true}});
    modern.send(&json!("l"), "subscriptions/listen", &filter);
    modern.note("notifications/subscriptions/acknowledged");
    gateway.drain();
    assert_eq!(modern.note("notifications/mcpw/session.migrate")["reason"], "draining");
    let ended = modern.result(&json!("l"));
    assert_eq!(ended["resultType"], "complete");
    assert_eq!(ended["_meta"]["io.modelcontextprotocol/subscriptionId"], "l");
    modern.closed(1012);
    gateway.await_end();
}

#[test]
fn lists_and_news_are_to_be_asked_for_elsewhere_while_the_pod_drains() {
    let (mut gateway, server) = (Gateway::start(), Server::new());
    let (_words, _tools) = (server.serve("words", &gateway), Tools::at(&gateway));
    let mut modern = Peer::modern(&gateway);
    modern.await_tool("words.own");
    modern.await_tool("sleep");
    // Its connection is not closed before this has ended.
    modern.send(&json!("slow"), "tools/call", &json!({"name": "sleep", "arguments": {"ms": 60_000}}));
    gateway.await_metric("backend_calls_in_flight", 1.0);
    gateway.drain();
    modern.note("notifications/mcpw/session.migrate");
    for (method, params) in [
        ("resources/list", json!({})),
        ("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}})),
        ("tools/call", json!({"name": "words.own", "arguments": {}})),
    ] {
        let error = modern.wrong(method, &params, 4009);
        assert_eq!(error["data"]["draining"], true, "{method}: {error}");
    }
    modern.json(
        &json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow"}}),
    );
    modern.closed(1012);
    gateway.await_end();
}
