//! Connecting: what is sent, and what is said when it fails.

use std::time::Duration;

use client::{Client, Error};
use fastwebsockets::OpCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Peer, gateway, raw_gateway};

/// Reads the head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a request"));
    }
    String::from_utf8(head).expect("ASCII")
}

/// Connects to a server that answers the upgrade with these bytes.
async fn answered_with(response: &'static str) -> Error {
    let gateway = raw_gateway(async move |mut stream| {
        head(&mut stream).await;
        stream.write_all(response.as_bytes()).await.expect("the client reads");
    })
    .await;
    let error = gateway.client().connect().await.expect_err("no connection");
    gateway.finish().await;
    error
}

#[tokio::test]
async fn the_token_the_subprotocol_and_the_name_are_sent_and_the_session_is_told() {
    let gateway = gateway(async |mut peer: Peer| {
        assert_eq!(peer.headers["authorization"], "Bearer tok.en");
        assert_eq!(peer.headers["sec-websocket-protocol"], "mcp.v1");
        let request =
            peer.initialize(json!({"resumable": true, "heartbeat_ms": 30000, "limits": {"a": 1}})).await;
        assert_eq!(request["params"]["client"]["name"], "test");
        assert_eq!(request["params"].get("compression"), None);
    })
    .await;
    let client = gateway.client().token("tok.en").connect().await.expect("a client");
    let session = client.session();
    assert_eq!((session.session_id.as_str(), session.resumable, session.resumed), ("s-1", true, false));
    assert_eq!((session.server.name.as_str(), session.server.version.as_str()), ("mcpw", "9.9.9"));
    assert_eq!(session.heartbeat, Some(Duration::from_secs(30)));
    assert_eq!(session.limits["a"], 1);
    gateway.finish().await;
}

#[tokio::test]
async fn a_refusal_tells_status_challenge_and_reason() {
    let error = answered_with(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\nContent-Length: 7\r\n\r\nexpired",
    )
    .await;
    match error {
        Error::Refused { status: 401, challenge: Some(challenge), reason } => {
            assert_eq!((challenge.as_str(), reason.as_str()), ("Bearer error=\"invalid_token\"", "expired"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refusal_in_json_tells_its_error() {
    let error = answered_with(
        "HTTP/1.1 401 x\r\nContent-Length: 42\r\n\r\n{\"error\":\"a token is needed\",\"status\":401}",
    )
    .await;
    assert!(
        matches!(&error, Error::Refused { status: 401, reason, .. } if reason == "a token is needed"),
        "{error}"
    );
}

#[tokio::test]
async fn a_refusal_without_a_body_names_its_status() {
    let error = answered_with("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n").await;
    assert!(
        matches!(&error, Error::Refused { status: 503, challenge: None, reason } if reason == "Service Unavailable")
    );
}

#[tokio::test]
async fn an_accept_key_of_another_request_is_refused() {
    let error = answered_with(
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: mcp.v1\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    )
    .await;
    assert!(
        matches!(&error, Error::Connect { reason, .. } if reason.contains("Sec-WebSocket-Accept")),
        "{error}"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_told() {
    let error = answered_with("SSH-2.0-OpenSSH_9.9\r\n").await;
    assert!(matches!(&error, Error::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn nobody_listening_is_told_with_the_url() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/ws", listener.local_addr().expect("an address"));
    drop(listener);
    let error = Client::builder(&url).connect().await.expect_err("nobody listens");
    assert!(matches!(&error, Error::Connect { url: named, .. } if *named == url), "{error:?}");
}

#[tokio::test]
async fn a_silent_listener_is_given_up_after_the_timeout() {
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let gateway = raw_gateway(async move |_stream| {
        let _ = wait.await;
    })
    .await;
    let timeout = Duration::from_millis(20);
    let error = gateway.client().connect_timeout(timeout).connect().await.expect_err("silence");
    assert!(matches!(error, Error::Timeout(waited) if waited == timeout));
    drop(done);
    gateway.finish().await;
}

#[tokio::test]
async fn an_error_to_initialize_is_passed_on_and_the_connection_closed() {
    let gateway = gateway(async |mut peer: Peer| {
        let request = peer.receive().await;
        peer.fail(&request, json!({"code": 4001, "message": "no"})).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let error = gateway.client().connect().await.expect_err("refused");
    assert!(matches!(error, Error::Rpc { code: 4001, .. }));
    gateway.finish().await;
}

#[tokio::test]
async fn frames_that_come_together_with_the_upgrade_are_not_lost() {
    let gateway = raw_gateway(async |mut stream| {
        let head = head(&mut stream).await;
        let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).expect("a key");
        let request =
            hyper::Request::get("/").header("Sec-WebSocket-Key", key).header("Sec-WebSocket-Version", "13");
        let (response, _) =
            fastwebsockets::upgrade::upgrade(request.body(()).expect("a request")).expect("an upgrade");
        let accept = response.headers()["sec-websocket-accept"].to_str().expect("ASCII");
        let response = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Protocol: mcp.v1\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        let mut bytes = response.into_bytes();
        bytes.extend([0x89, 5]);
        bytes.extend(b"early");
        stream.write_all(&bytes).await.expect("the client reads");
        let mut socket = fastwebsockets::WebSocket::after_handshake(stream, fastwebsockets::Role::Server);
        loop {
            let frame = socket.read_frame().await.expect("a frame");
            if frame.opcode == OpCode::Pong {
                assert_eq!(&frame.payload[..], b"early");
                break;
            }
        }
    })
    .await;
    // The script ends after the pong, and so does the connection.
    gateway.client().connect().await.expect_err("no answer to initialize");
    gateway.finish().await;
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_refused_without_showing_it() {
    let builder = Client::builder("ws://127.0.0.1:1/ws").token("secret\nX: y");
    assert!(!format!("{builder:?}").contains("secret"));
    let error = builder.connect().await.expect_err("not a token");
    assert!(matches!(&error, Error::Connect { reason, .. } if reason.contains("token")));
    assert!(!format!("{error:?} {error}").contains("secret"));
}
