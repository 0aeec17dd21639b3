//! How the protocol is agreed on at the upgrade, and what a frame may be.

use crate::Peer;
use serde_json::json;
use tests::{Draft, Gateway, Request};

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

#[test]
fn every_client_as_it_is_gets_the_echo_that_it_waits_for() {
    let gateway = Gateway::start();
    let token = gateway.keys.token();
    let bare = |path: &str| Request::upgrade(gateway.clients).line(&format!("GET {path} HTTP/1.1"));
    let auth = format!("mcp.auth.{token}");
    for path in ["/ws", "/mcp"] {
        for (offered, echoed) in [
            ("mcp".to_owned(), "mcp"),
            ("chat, mcp".to_owned(), "mcp"),
            ("mcp.version.2025-06-18".to_owned(), "mcp.version.2025-06-18"),
            ("mcp, mcp.version.2025-06-18".to_owned(), "mcp"),
        ] {
            let offer = format!("{offered}, mcpw.bearer.{token}");
            let mut client = gateway.accepted(&bare(path).with(PROTOCOL, &offer));
            assert_eq!(client.response.header(PROTOCOL), Some(echoed), "{offered}");
            client.text(PING);
            assert_eq!(client.message(), json!({"jsonrpc": "2.0", "id": 1, "result": {}}));
        }
        let both = format!("{auth}, mcp.version.2025-06-18");
        for (offered, echoed) in [(&auth, &*auth), (&both, "mcp.version.2025-06-18")] {
            let mut client = gateway.accepted(&bare(path).with(PROTOCOL, offered));
            assert_eq!(client.response.header(PROTOCOL), Some(echoed), "{offered}");
            client.text(PING);
            assert_eq!(client.message()["result"], json!({}));
        }
        let response = gateway.ask(&bare(path).with(PROTOCOL, "mcp.auth.wrong"));
        assert_eq!(response.status, 401, "{response:?}");
    }
}

#[test]
fn where_nothing_is_offered_the_first_message_decides() {
    let gateway = Gateway::start();
    let mut client = gateway.accepted(&gateway.upgrade());
    assert_eq!(client.response.header(PROTOCOL), None);
    client.text(PING);
    assert_eq!(client.message()["jsonrpc"], "2.0");
    client.text(r#"{"id":"a","type":0,"method":"echo","params":1}"#);
    assert_eq!(client.message()["error"]["code"], -32600, "it stays decided");
    let mut client = gateway.accepted(&gateway.upgrade());
    client.text(r#"{"id":"a","type":0,"method":"echo","params":{"jsonrpc":"2.0"}}"#);
    assert_eq!(client.result("a"), json!({"jsonrpc": "2.0"}), "a member of params decides nothing");
}

#[test]
fn a_frame_is_one_message_of_text() {
    let gateway = Gateway::start();
    let mut peer = Peer::modern(&gateway);
    let batch = format!("[{PING}]");
    for (text, code) in [("{", -32700), ("[]", -32600), ("{}", -32600), (&*batch, -32600)] {
        peer.text(text);
        let message = peer.message();
        assert_eq!((&message["id"], &message["error"]["code"]), (&json!(null), &json!(code)), "{text}");
    }
    peer.draft(&Draft::binary(PING.as_bytes()));
    assert!(peer.closed(1003).contains("text frames"));
}
