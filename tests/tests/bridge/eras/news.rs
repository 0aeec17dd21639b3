//! What servers tell while a call runs, and of themselves.

use super::{ERAS, Scene, each, played};
use crate::peer::Peer;
use serde_json::{Value, json};

const UPDATED: &str = "notifications/resources/updated";

#[test]
fn progress_comes_with_the_clients_own_token_and_every_byte() {
    each(|scene, mut peer, _| {
        let note = r#"{"jsonrpc":"2.0","method":"notifications/progress","params":{ "progressToken":$TOKEN,"progress":1.50,"total":2,"message":"h\u0069","odd":[ ]}}"#;
        let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"resultType":"complete"}}"#;
        for (id, token) in [(json!(1), json!("t")), (json!(2), json!(7)), (json!(3), json!("7"))] {
            let mut params = played(&[note, note, end], &[]);
            params["_meta"] = json!({ "progressToken": token });
            peer.send(&id, "tools/call", &params);
            for _ in 0..2 {
                let frame = peer.frame("progress").text().to_owned();
                let told = format!(
                    r#""params":{{ "progressToken":{token},"progress":1.50,"total":2,"message":"h\u0069","odd":[ ]}}"#
                );
                assert!(frame.contains(&told), "{frame}");
            }
            peer.result(&id);
        }
        let tokens = scene.sent("progressToken");
        assert!(!tokens.iter().any(|line| line.contains(r#""progressToken":"t""#)), "{tokens:?}");
    });
}

#[test]
fn a_call_that_is_cancelled_is_cancelled_at_its_server() {
    each(|scene, mut peer, [client, _]| {
        let id = json!(format!("slow {client}"));
        let marked = json!({"name": "slow", "arguments": {"by": client}});
        peer.send(&id, "tools/call", &marked);
        let sent = scene.await_sent(&format!(r#""by":"{client}""#));
        let own: Value = serde_json::from_str(&sent).expect("it is JSON");
        let cancel = json!({"requestId": id, "reason": "enough"});
        peer.json(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}));
        let told = scene.await_sent(&format!(r#""params":{{"requestId":{},"#, own["id"]));
        assert!(told.contains("notifications/cancelled"), "{told}");
        peer.call("echo", &json!({}));
    });
}

#[test]
fn logs_come_from_the_level_on_that_the_client_wants() {
    each(|scene, mut peer, [client, server]| {
        let log = |level: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","method":"notifications/message","params":{{ "level":"{level}","data":[ 1.0 ],"odd":2e1}}}}"#
            )
        };
        let (low, high) = (log("info"), log("error"));
        let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"resultType":"complete"}}"#;
        let lines: &[&str] = if server == "legacy" { &[&low, &high, end] } else { &[&high, end] };
        let quiet = played(lines, &[]);
        peer.ask("tools/call", &quiet);
        let mut loud = quiet.clone();
        if client == "legacy" {
            peer.ask("logging/setLevel", &json!({"level": "warning"}));
        } else {
            loud["_meta"] = json!({"io.modelcontextprotocol/logLevel": "warning"});
        }
        peer.send(&json!(1), "tools/call", &loud);
        let frame = peer.frame("a log message").text().to_owned();
        assert!(frame.contains(r#""params":{ "level":"error","data":[ 1.0 ],"odd":2e1}"#), "{frame}");
        peer.result(&json!(1));
        let told = scene.sent("\"warning\"");
        if server == "legacy" {
            // Before the first call that wants it, and once.
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].contains(r#""method":"logging/setLevel","params":{"level":"warning"}"#),
                "{told:?}"
            );
            let record = scene.sent("");
            let at = |part: &str| record.iter().rposition(|line| line.contains(part)).expect("it was sent");
            assert!(client == "modern" || at("setLevel") < at("tools/call"), "{record:?}");
        } else {
            assert!(told.iter().all(|line| line.contains(r#""io.modelcontextprotocol/logLevel":"warning""#)));
        }
    });
}

/// The next notifications of lists, up to those that are awaited.
fn lists(peer: &mut Peer, subscription: Option<&Value>) {
    let mut open = vec!["tools", "prompts", "resources"];
    while !open.is_empty() {
        let message = peer.message();
        let method = message["method"].as_str().unwrap_or_else(|| panic!("{message}"));
        open.retain(|list| method != format!("notifications/{list}/list_changed"));
        let told = &message["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"];
        assert_eq!(told, subscription.unwrap_or(&Value::Null), "{message}");
    }
}

#[test]
fn lists_that_change_are_told() {
    for server in ERAS {
        let scene = Scene::new(server);
        let mut legacy = scene.client("legacy");
        let mut modern = scene.client("modern");
        let filter =
            json!({"toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true});
        modern.send(&json!("l"), "subscriptions/listen", &json!({ "notifications": filter }));
        assert_eq!(modern.note("notifications/subscriptions/acknowledged")["notifications"], filter);
        scene.client("modern").call("grow", &json!({}));
        lists(&mut legacy, None);
        lists(&mut modern, Some(&json!("l")));
        scene.client("modern").await_tool("grown");
        for era in ERAS {
            let mut peer = scene.client(era);
            let prompts = peer.ask("prompts/list", &json!({}))["prompts"].to_string();
            assert!(prompts.contains("grown"), "{prompts}");
        }
    }
}

#[test]
fn resources_that_change_are_told_to_those_who_want_to_hear_it() {
    let note = |id: &str| {
        format!(r#"{{"jsonrpc":"2.0","method":"{UPDATED}","params":{{ "uri":"fix://1","odd":[ 1.0 ]{id}}}}}"#)
    };
    let end = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[],"resultType":"complete"}}"#;
    for server in ERAS {
        let scene = Scene::new(server);
        let update = match server {
            "legacy" => note(""),
            _ => note(r#","_meta":{"io.modelcontextprotocol/subscriptionId":$LISTEN}"#),
        };
        let mut other = scene.client("modern");
        let mut legacy = scene.client("legacy");
        assert_eq!(legacy.ask("resources/subscribe", &json!({"uri": "fix://1"})), json!({}));
        // Whoever was told that it has subscribed hears what comes next.
        other.ask("tools/call", &played(&[&update, end], &[]));
        let frame = legacy.frame("an update").text().to_owned();
        assert!(frame.contains(r#"{ "uri":"fix://1","odd":[ 1.0 ]}"#), "{server}: {frame}");
        legacy.ask("resources/unsubscribe", &json!({"uri": "fix://1"}));

        let mut modern = scene.client("modern");
        let filter = json!({"notifications": {"resourceSubscriptions": ["fix://1"]}});
        modern.send(&json!(9), "subscriptions/listen", &filter);
        let acknowledged = modern.note("notifications/subscriptions/acknowledged");
        assert_eq!(acknowledged["notifications"], filter["notifications"]);
        other.ask("tools/call", &played(&[&update, end], &[]));
        let frame = modern.frame("an update").text().to_owned();
        let told = r#"{ "uri":"fix://1","odd":[ 1.0 ],"_meta":{"io.modelcontextprotocol/subscriptionId":9}}"#;
        assert!(frame.contains(told), "{server}: {frame}");
        assert_eq!(legacy.ask("ping", &json!({})), json!({}), "it hears no more");
    }
}

#[test]
fn a_legacy_server_is_subscribed_at_as_long_as_somebody_wants_it() {
    let scene = Scene::new("legacy");
    let mut peers = [scene.client("legacy"), scene.client("legacy")];
    let one = json!({"uri": "fix://1"});
    for peer in &mut peers {
        peer.ask("resources/subscribe", &one);
    }
    // Another resource, and the first is not given up meanwhile.
    peers[0].ask("resources/subscribe", &json!({"uri": "ui://view"}));
    assert_eq!(scene.sent("resources/subscribe").len(), 2, "once for each: {:?}", scene.sent("subscribe"));
    assert!(scene.sent("resources/unsubscribe").is_empty(), "{:?}", scene.sent("subscribe"));
    peers[0].ask("resources/unsubscribe", &one);
    peers[1].ask("resources/unsubscribe", &one);
    let gone = scene.await_sent("resources/unsubscribe");
    assert!(gone.contains("fix://1"), "{gone}");
    assert_eq!(scene.sent("resources/unsubscribe").len(), 1);
}

#[test]
fn roots_that_change_are_not_passed_on_and_asked_for_anew() {
    each(|scene, mut peer, _| {
        peer.json(&json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}));
        peer.call("echo", &json!({}));
        assert!(scene.sent("roots/list_changed").is_empty());
    });
}
