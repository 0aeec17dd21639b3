//! Versions: what each client is told, and what it is not.

use crate::{Peer, Server};
use serde_json::{Value, json};
use tests::Gateway;

#[test]
fn all_versions_with_sessions_are_agreed_on() {
    let gateway = Gateway::start();
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut peer = Peer::legacy(&gateway, version);
        assert_eq!(peer.opened["protocolVersion"], version);
        assert_eq!(peer.opened["serverInfo"]["name"], "mcpw");
        assert_eq!(peer.opened["capabilities"]["tools"], json!({"listChanged": true}));
        assert_eq!(peer.ask("ping", &json!({})), json!({}));
        let listed = peer.ask("tools/list", &json!({}));
        assert_eq!(listed, json!({"tools": []}), "nothing that the version does not know");
        peer.wrong("server/discover", &json!({}), -32601);
        peer.wrong("initialize", &json!({"protocolVersion": version}), -32600);
        peer.ask("logging/setLevel", &json!({"level": "info"}));
        peer.wrong("logging/setLevel", &json!({"level": "loud"}), -32602);
    }
    assert_eq!(Peer::legacy(&gateway, "2030-01-01").opened["protocolVersion"], "2025-11-25");
}

#[test]
fn a_batch_is_taken_in_the_version_that_has_them() {
    let gateway = Gateway::start();
    let mut peer = Peer::legacy(&gateway, "2025-03-26");
    let ping = |id: u64| json!({"jsonrpc": "2.0", "id": id, "method": "ping"});
    peer.json(&json!([ping(1), {"jsonrpc": "2.0", "method": "notifications/x"}, ping(2)]));
    assert_eq!(peer.result(&json!(1)), json!({}));
    assert_eq!(peer.result(&json!(2)), json!({}));
}

#[test]
fn modern_requests_stand_for_themselves() {
    let gateway = Gateway::start();
    let server = Server::new();
    let _backend = server.serve("words", &gateway);
    let mut peer = Peer::modern(&gateway);
    peer.await_tool("words.own");
    let found = peer.ask("server/discover", &json!({}));
    assert_eq!(found["supportedVersions"][0], "2026-07-28");
    assert_eq!(found["resultType"], "complete");
    assert_eq!((&found["ttlMs"], &found["cacheScope"]), (&json!(0), &json!("private")));
    assert_eq!(found["instructions"], "words: use words well");
    assert_eq!(found["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "mcpw");
    for capability in ["tools", "resources", "prompts", "completions", "logging"] {
        assert!(found["capabilities"][capability].is_object(), "{found}");
    }
    for gone in ["ping", "initialize", "logging/setLevel", "resources/subscribe", "x"] {
        peer.wrong(gone, &json!({"level": "info", "uri": "a:b"}), -32601);
    }
    let meta = |version: &str| json!({"_meta": {"io.modelcontextprotocol/protocolVersion": version}});
    let error = peer.wrong("tools/list", &meta("1900-01-01"), -32022);
    assert_eq!(error["data"]["requested"], "1900-01-01");
    assert_eq!(error["data"]["supported"].as_array().map(Vec::len), Some(5));
    peer.wrong("tools/list", &json!({"_meta": {"io.modelcontextprotocol/clientCapabilities": 1}}), -32602);
    peer.json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}));
    let message: Value = peer.answer(&json!(1));
    assert_eq!(message["error"]["code"], -32602, "neither a version nor a session: {message}");
}
