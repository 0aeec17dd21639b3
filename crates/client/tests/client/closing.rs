//! How connections end, from either side, and what is said about it.

use std::time::Duration;

use client::Error;
use fastwebsockets::OpCode;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::support::{Peer, gateway, ready};

fn assert_closed(error: &Error, code: u16, reason: &str) {
    match error {
        Error::Closed { code: given, reason: said } => assert_eq!((*given, said.as_str()), (code, reason)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_close_frame_fails_all_that_waits_and_is_answered() {
    let gateway = ready(async |mut peer: Peer| {
        peer.receive().await;
        peer.receive().await;
        peer.close(4401, "the token has expired").await;
        assert_eq!(peer.close_frame().await.0, 4401);
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let calls = [client.call("a", ()).await.expect("a call"), client.call("b", ()).await.expect("a call")];
    for call in calls {
        assert_closed(&call.await.expect_err("closed"), 4401, "the token has expired");
    }
    assert_closed(&client.closed().await, 4401, "the token has expired");
    assert_closed(&client.request("c", ()).await.expect_err("closed"), 4401, "the token has expired");
    assert_closed(&client.notify("d", ()).await.expect_err("closed"), 4401, "the token has expired");
    assert!(client.notifications().next().await.is_none());
    gateway.finish().await;
}

#[tokio::test]
async fn a_close_frame_without_a_code_is_1005() {
    let gateway = ready(async |mut peer: Peer| {
        peer.write(true, OpCode::Close, b"").await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    assert_closed(&client.closed().await, 1005, "");
    gateway.finish().await;
}

#[tokio::test]
async fn hanging_up_without_a_close_frame_is_1006() {
    let gateway = ready(async |mut peer: Peer| {
        peer.receive().await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let error = client.request("echo", ()).await.expect_err("closed");
    assert!(matches!(error, Error::Closed { code: 1006, .. }), "{error:?}");
    gateway.finish().await;
}

#[tokio::test]
async fn close_sends_what_was_queued_then_1000_and_waits_for_the_answer() {
    let gateway = ready(async |mut peer: Peer| {
        assert_eq!(peer.receive().await["method"], "last words");
        assert_eq!(peer.close_frame().await, (1000, String::new()));
        peer.close(1000, "bye").await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    client.notify("last words", ()).await.expect("sent");
    client.close().await;
    assert_closed(&client.closed().await, 1000, "bye");
    gateway.finish().await;
}

#[tokio::test]
async fn a_gateway_that_does_not_answer_the_close_is_left() {
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let gateway = ready(async move |mut peer: Peer| {
        assert_eq!(peer.close_frame().await.0, 1000);
        let _ = wait.await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    tokio::time::pause();
    client.close().await;
    assert!(matches!(client.closed().await, Error::Closed { code: 1006, .. }));
    drop(done);
    gateway.finish().await;
}

#[tokio::test]
async fn a_gateway_that_reads_nothing_does_not_hold_up_the_end() {
    let (done, wait) = tokio::sync::oneshot::channel::<()>();
    let gateway = ready(async move |peer: Peer| {
        let mut stream = peer.into_stream();
        stream.read_u8().await.expect("a byte");
        let _ = wait.await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    client.notify("large", "x".repeat(32 << 20)).await.expect("it is queued");
    tokio::time::pause();
    tokio::time::timeout(Duration::from_secs(60), client.close()).await.expect("an end within seconds");
    assert!(matches!(client.closed().await, Error::Closed { code: 1006, .. }));
    drop(done);
    gateway.finish().await;
}

#[tokio::test]
async fn the_last_clone_to_go_closes_and_a_stream_of_notifications_counts_as_one() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        peer.answer(&request, json!(1)).await;
        peer.send(json!({"type": 2, "method": "event", "params": {"name": "x", "data": 1}})).await;
        let (opcode, _) = peer.frame().await;
        assert_eq!(opcode, OpCode::Close);
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let mut notifications = client.notifications();
    let other = client.clone();
    drop(client);
    other.request("echo", ()).await.expect("a result");
    drop(other);
    assert!(notifications.next().await.expect("one").is_ok());
    drop(notifications);
    gateway.finish().await;
}

#[tokio::test]
async fn a_gateway_that_falls_silent_is_asked_and_then_given_up() {
    let gateway = gateway(async |mut peer: Peer| {
        peer.initialize(json!({"heartbeat_ms": 20})).await;
        peer.receive().await;
        // Pings, and then the end without a close frame, which nobody would read.
        let mut pings = 0;
        while let Some((opcode, _)) = peer.frame_or_end().await {
            assert_eq!(opcode, OpCode::Ping);
            pings += 1;
        }
        assert!(pings >= 2, "{pings}");
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    match client.request("echo", ()).await {
        Err(Error::Closed { code: 1006, reason }) => assert!(reason.contains("nothing came"), "{reason}"),
        other => panic!("{other:?}"),
    }
    gateway.finish().await;
}

#[tokio::test]
async fn a_gateway_that_answers_pings_is_kept() {
    let gateway = gateway(async |mut peer: Peer| {
        peer.initialize(json!({"heartbeat_ms": 10})).await;
        let request = peer.receive().await;
        for _ in 0..8 {
            assert_eq!(peer.frame().await.0, OpCode::Ping);
            peer.write(true, OpCode::Pong, b"").await;
        }
        peer.answer(&request, json!("at last")).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    assert_eq!(client.request("echo", ()).await.expect("a result").get(), "\"at last\"");
    gateway.finish().await;
}
