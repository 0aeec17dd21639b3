//! What has no words in the other era, and is refused with a message that says so.

use super::{ERAS, Scene, each, played};
use serde_json::{Value, json};

#[test]
fn tasks_of_2025_11_25_are_refused() {
    each(|scene, mut peer, [client, server]| {
        for method in ["tasks/get", "tasks/result", "tasks/list", "tasks/cancel"] {
            let error = peer.wrong(method, &json!({"taskId": "t"}), -32601);
            assert!(error["message"].as_str().is_some_and(|why| why.contains(method)), "{error}");
        }
        let tools = peer.ask("tools/list", &json!({}))["tools"].to_string();
        assert_eq!(tools.contains("\"task\""), server == "modern", "{tools}");
        if client == "legacy" {
            // Nobody has said that there are tasks, and so the call is a plain one.
            let params = json!({"name": "echo", "arguments": {"by": client}, "task": {"ttl": 1}});
            peer.ask("tools/call", &params);
            let sent = scene.await_sent(&format!(r#""by":"{client}""#));
            assert!(!sent.contains("\"task\""), "{server}: {sent}");
        }
    });
}

#[test]
fn methods_of_the_other_era_are_refused() {
    each(|scene, mut peer, [client, _]| {
        let others: &[&str] = match client {
            "legacy" => &["server/discover", "subscriptions/listen"],
            _ => &["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"],
        };
        for method in others {
            let params = json!({"uri": "fix://1", "level": "info", "notifications": {}});
            let error = peer.wrong(method, &params, -32601);
            assert!(error["message"].as_str().is_some_and(|why| why.contains(method)), "{error}");
        }
        assert!(scene.sent("fix://1").is_empty());
    });
}

#[test]
fn a_server_that_asks_while_no_call_runs_is_refused() {
    let scene = Scene::new("legacy");
    let mut peer = scene.client("modern");
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[]}}"#;
    let asks = r#"{"jsonrpc":"2.0","id":"late","method":"roots/list"}"#;
    peer.ask("tools/call", &played(&[end, asks], &[]));
    let told = scene.await_sent("\"late\"");
    assert!(told.contains("-32600") && told.contains("no call runs"), "{told}");
}

#[test]
fn a_server_that_asks_while_several_calls_run_is_refused() {
    let scene = Scene::new("legacy");
    let (mut one, mut two) = (scene.client("modern"), scene.client("legacy"));
    one.send(&json!(1), "tools/call", &json!({"name": "slow", "arguments": {}}));
    scene.await_sent("\"slow\"");
    let asks = r#"{"jsonrpc":"2.0","id":"whom","method":"roots/list"}"#;
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"answer":$ANSWER}}}"#;
    let result = two.ask("tools/call", &played(&[asks, "?", end], &[]));
    let heard = result["structuredContent"]["answer"].as_str().unwrap_or_default();
    assert!(heard.contains("-32600") && heard.contains("give each session a child of its own"), "{heard}");
}

#[test]
fn a_method_that_a_server_makes_up_is_refused() {
    let scene = Scene::new("legacy");
    let mut peer = scene.client("legacy");
    let asks = r#"{"jsonrpc":"2.0","id":"odd","method":"x/y","params":{}}"#;
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"structuredContent":{"answer":$ANSWER}}}"#;
    let result = peer.ask("tools/call", &played(&[asks, "?", end], &[]));
    let heard = result["structuredContent"]["answer"].as_str().unwrap_or_default();
    assert!(heard.contains("-32601") && heard.contains("x/y"), "{heard}");
}

#[test]
fn resources_that_nobody_has_are_not_subscribed_to() {
    for server in ERAS {
        let scene = Scene::with(server, |settings| {
            settings.servers[0].uri_prefixes = vec!["fix://".to_owned(), "ui://".to_owned()];
        });
        let mut legacy = scene.client("legacy");
        let error = legacy.wrong("resources/subscribe", &json!({"uri": "none://1"}), -32002);
        assert_eq!(error["data"], json!({"uri": "none://1"}));
        let mut modern = scene.client("modern");
        let filter = json!({"notifications": {"resourceSubscriptions": ["none://1"]}});
        modern.send(&json!(1), "subscriptions/listen", &filter);
        let acknowledged: Value = modern.note("notifications/subscriptions/acknowledged");
        assert_eq!(acknowledged["notifications"], json!({}));
    }
}
