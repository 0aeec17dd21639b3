//! Which subprotocol is spoken.

use tests::{Gateway, Packet};

const PROTOCOL: &str = "Sec-WebSocket-Protocol";

#[test]
fn without_a_subprotocol_json_is_spoken() {
    let gateway = Gateway::start();
    let mut client = gateway.accepted(&gateway.upgrade());
    assert_eq!(client.response.header(PROTOCOL), None);
    client.check_alive();
}

#[test]
fn the_first_known_subprotocol_is_chosen() {
    let gateway = Gateway::start();
    for (offered, chosen) in [
        ("mcp.v1", "mcp.v1"),
        ("mcp.v1, mcp.v1.binary", "mcp.v1"),
        ("mcp.v2,mcp.v1.binary , mcp.v1", "mcp.v1.binary"),
    ] {
        let client = gateway.accepted(&gateway.upgrade().with(PROTOCOL, offered));
        assert_eq!(client.response.header(PROTOCOL), Some(chosen), "offered {offered:?}");
    }
    let request = gateway.upgrade().with(PROTOCOL, "chat").with(PROTOCOL, "mcp.v1.binary");
    let mut client = gateway.accepted(&request);
    assert_eq!(client.response.header(PROTOCOL), Some("mcp.v1.binary"), "over two lines");
    client.packet(&Packet::echo(1, b"1"));
    assert_eq!(client.reply().payload, b"1");
}

#[test]
fn unknown_subprotocol_only() {
    let gateway = Gateway::start();
    for (index, offered) in ["mcp.v2", "graphql-ws, chat", "MCP.V1", "mcp.v1.binary2"].iter().enumerate() {
        let response = gateway.ask(&gateway.upgrade().with(PROTOCOL, offered));
        assert_eq!(response.status, 400, "{response:?}");
        let error = response.error();
        assert!(error.contains("mcp.v1") && error.contains("mcp.v1.binary"), "{error:?}");
        let series = "websocket_handshakes_refused_total{reason=\"bad_request\"}";
        gateway.await_metric(series, index as f64 + 1.0);
    }
    gateway.await_metric("websocket_connections_total", 0.0);
}

#[test]
fn frames_of_the_other_kind_are_not_supported() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    client.text("{}");
    assert!(client.closed(1003).contains("mcp.v1.binary"));
    let mut client = gateway.connect();
    client.packet(&Packet::echo(1, b"1"));
    assert!(client.closed(1003).contains("compression"));
    gateway.await_metric("websocket_connections_closed_total{code=\"unsupported\"}", 2.0);
}
