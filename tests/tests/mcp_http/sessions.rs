//! Sessions of legacy clients: opened by `initialize`, named by a header, ended by DELETE.

use crate::peer::BOTH;
use crate::{Peer, Server};
use serde_json::json;
use tests::{Endpoints, Gateway, Pods, Tools};

#[test]
fn every_legacy_version_has_its_session() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let peer = Peer::legacy(&gateway, version, &json!({}));
        peer.await_tool("echo");
        let result = peer.call("echo", &json!({"a": 1}));
        assert_eq!(result["structuredContent"], json!({"a": 1}));
        assert!(result.get("resultType").is_none(), "{result}");
        assert_eq!(peer.ask("ping", &json!({})), json!({}));
        // The header with the version came with 2025-06-18.
        let session = peer.session.as_deref().expect("a session");
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        assert_eq!(peer.post(&[("Mcp-Session-Id", session)], &ping).status, 200);
    }
}

#[test]
fn a_session_is_needed_and_has_to_be_the_agents_own() {
    let gateway = Gateway::start();
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let session = peer.session.clone().expect("a session");
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(peer.post(&[], &list).status, 400);
    assert_eq!(peer.post(&[("Mcp-Session-Id", &session)], &list).status, 200);
    for unknown in ["x", "01a204f6-03c8-74fc-b31e-452765a423b4", &session.to_uppercase()] {
        let answer = peer.post(&[("Mcp-Session-Id", unknown)], &list);
        assert_eq!((answer.status, &answer.json()["id"]), (404, &json!(1)), "{unknown}");
    }
    let claims = auth::Claims::new("stranger", "agent");
    let stranger = peer.with_token(&gateway.keys.mint(&claims));
    assert_eq!(stranger.post(&[("Mcp-Session-Id", &session)], &list).status, 404);
    assert_eq!(stranger.delete().status, 404);
    assert_eq!(peer.post(&[("Mcp-Session-Id", &session)], &list).status, 200);
}

#[test]
fn a_session_that_was_ended_is_gone() {
    let gateway = Gateway::start();
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let mut stream = peer.listen(None);
    assert_eq!(peer.delete().status, 204);
    stream.stream_ended();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(peer.post_own(&list).status, 404);
    assert_eq!(peer.post_own(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).status, 404);
    assert_eq!(peer.delete().status, 404);
    let mut http = peer.open();
    let session = peer.session.as_deref().expect("a session");
    http.send_at("GET", "/mcp", &[("Accept", BOTH), ("Mcp-Session-Id", session)], None);
    assert_eq!(http.response().status, 404);
}

#[test]
fn servers_are_asked_in_the_session_of_their_caller() {
    let (gateway, server) = (Gateway::start(), Server::new());
    let _server = server.serve("words", &gateway);
    let check = |peer: &Peer| {
        peer.await_tool("words.own");
        peer.call("words.own", &json!({}));
        peer.ask("resources/list", &json!({}));
        peer.ask("resources/read", &json!({"uri": "words://1"}));
        for method in ["tools/call", "resources/list", "resources/read"] {
            assert_eq!(server.session_of(method), peer.session.clone().unwrap_or_default(), "{method}");
        }
    };
    let legacy = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    check(&legacy);
    legacy.listen(None).sent();
    assert_eq!(Some(server.session_of("subscriptions/listen")), legacy.session);
    check(&Peer::modern(&gateway));
}

fn end_by_operator(gateway: &Endpoints, peer: &Peer) {
    let session = peer.session.as_deref().expect("a session");
    let answer = gateway.admin_send("DELETE", &format!("/admin/v1/sessions/{session}"), &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_session_that_an_operator_ends_has_no_stream_any_more() {
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    // A stream that is not told looks at its session as often as this.
    let gateway = Gateway::with(|config| config.websocket.ping_interval_ms = 120_000);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let mut stream = peer.listen(None);
    end_by_operator(&gateway, &peer);
    stream.stream_ended();
    assert_eq!(peer.post_own(&list).status, 404);

    let pods = Pods::new();
    let pod = || pods.pod_with(|config| config.websocket.ping_interval_ms = 120_000);
    let (here, there) = (pod(), pod());
    let peer = Peer::legacy(&here, "2025-11-25", &json!({}));
    let mut stream = peer.at(&there).listen(None);
    // Another pod than that of its stream was the last to change it.
    let level = json!({"level": "info"});
    assert_eq!(peer.ask("logging/setLevel", &level), json!({}));
    end_by_operator(&here, &peer);
    stream.stream_ended();
    assert_eq!(peer.post_own(&list).status, 404);
}

#[test]
fn a_session_that_is_not_used_ends() {
    let gateway = Gateway::with(|config| config.mcp.session_ms = 3_000);
    let peer = Peer::legacy(&gateway, "2025-11-25", &json!({}));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    assert_eq!(peer.post_own(&list).status, 200);
    let begun = std::time::Instant::now();
    // Its time has to pass, and it can't be asked for meanwhile: that would prolong it.
    std::thread::sleep(std::time::Duration::from_millis(3_300));
    assert_eq!(peer.post_own(&list).status, 404, "after {:?}", begun.elapsed());
}
