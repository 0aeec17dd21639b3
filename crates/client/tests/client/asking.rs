//! What servers of Model Context Protocol ask of the client, when they ask too much or the connection is lost.

use std::sync::Arc;

use client::Error;
use client::mcp::{Asked, Refusal};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

use crate::mcp::{answers, builder, discover, next_peer, open, response};
use crate::support::{Door, Peer, gateway, house};

/// A result that asks for something.
fn asks() -> Value {
    json!({
        "resultType": "input_required", "requestState": "st",
        "inputRequests": {"who": {"method": "elicitation/create", "params": {"q": 1}}},
    })
}

/// The client has sent nothing but what was received.
async fn assert_silent(peer: &mut Peer) {
    peer.send(json!({"jsonrpc": "2.0", "id": "p", "method": "ping"})).await;
    assert_eq!(peer.receive().await, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
}

#[tokio::test]
async fn a_result_that_asks_twice_is_answered_once() {
    let gate = Arc::new(Notify::new());
    let opened = Arc::clone(&gate);
    let gateway = gateway(async move |mut peer: Peer| {
        discover(&mut peer).await;
        let call = peer.receive().await;
        peer.send(response(&call, asks())).await;
        peer.send(response(&call, asks())).await;
        // Both have come before the round is answered: once it was sent, another result is of that round.
        assert_silent(&mut peer).await;
        opened.notify_one();
        let next = peer.receive().await;
        assert_eq!((&next["id"], &next["params"]["requestState"]), (&call["id"], &json!("st")));
        assert_silent(&mut peer).await;
        // The next round may ask again.
        peer.send(response(&next, asks())).await;
        opened.notify_one();
        assert_eq!(peer.receive().await, next);
        peer.send(response(&next, json!({"resultType": "complete"}))).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let handler = move |asked: Asked| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            answers(asked).await
        }
    };
    let client = builder(&gateway).modern().on_request(handler).connect().await.expect("a connection");
    let result = client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    assert_eq!(result.get(), r#"{"resultType":"complete"}"#);
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_call_that_asks_without_end_ends_with_what_it_asks_for() {
    let gateway = gateway(async |mut peer: Peer| {
        discover(&mut peer).await;
        for _ in 0..=100 {
            let call = peer.receive().await;
            peer.send(response(&call, json!({"resultType": "input_required", "requestState": "st"}))).await;
        }
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).modern().on_request(answers).connect().await.expect("a connection");
    let result = client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    assert!(result.get().contains("input_required"), "{result}");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_round_that_a_lost_connection_left_unsent_is_sent_once_on_the_next() {
    let (release, answered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (let_go, was_answered) = (Arc::clone(&release), Arc::clone(&answered));
    let gateway = house(async move |door: Door| {
        let mut peer = next_peer(&door).await;
        discover(&mut peer).await;
        let call = peer.receive().await;
        peer.send(response(&call, asks())).await;
        // A part of something large was read: what the client sends after it waits.
        let mut stream = peer.into_stream();
        stream.read_u8().await.expect("a byte");
        let_go.notify_one();
        was_answered.notified().await;
        drop(stream);
        let mut peer = next_peer(&door).await;
        discover(&mut peer).await;
        let next = peer.receive().await;
        assert_eq!((&next["id"], &next["params"]["requestState"]), (&call["id"], &json!("st")));
        assert_silent(&mut peer).await;
        peer.send(response(&next, json!({"resultType": "complete"}))).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let handler = move |asked: Asked| {
        let (release, answered) = (Arc::clone(&release), Arc::clone(&answered));
        async move {
            release.notified().await;
            answered.notify_one();
            answers(asked).await
        }
    };
    let client = builder(&gateway).modern().on_request(handler).connect().await.expect("a connection");
    let call = client.call("tools/call", json!({"name": "t"})).await.expect("it is sent");
    client.notify("notifications/large", json!({"x": "x".repeat(32 << 20)})).await.expect("it is queued");
    assert_eq!(call.result().await.expect("a result").get(), r#"{"resultType":"complete"}"#);
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn more_requests_than_can_be_open_are_refused_until_one_is_answered() {
    const OPEN: usize = 256;
    let release = Arc::new(Notify::new());
    let let_go = Arc::clone(&release);
    let gateway = gateway(async move |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        let ask = |id: usize| json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create"});
        for id in 1..=OPEN {
            peer.send(ask(id)).await;
            // Each is taken before the next comes.
            assert_silent(&mut peer).await;
        }
        peer.send(ask(0)).await;
        let refused = peer.receive().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(0), &json!(-32603)));
        let_go.notify_one();
        let answered = peer.receive().await;
        assert_eq!(answered["result"]["action"], "accept", "{answered}");
        peer.send(ask(0)).await;
        assert_silent(&mut peer).await;
        peer.close(1000, "").await;
    })
    .await;
    let handler = move |asked: Asked| {
        let release = Arc::clone(&release);
        async move {
            release.notified().await;
            answers(asked).await
        }
    };
    let client = builder(&gateway).on_request(handler).connect().await.expect("a session");
    client.closed().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_request_that_is_malformed_is_refused_and_the_client_goes_on() {
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        let call = peer.receive().await;
        // Its id is the server's own, though a call of the client's has the same.
        peer.send(json!({"jsonrpc": "2.0", "id": call["id"], "method": "ping", "params": [1]})).await;
        let refused = peer.receive().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&call["id"], &json!(-32600)));
        peer.send(json!({"jsonrpc": "2.0", "method": "notifications/message", "params": [1]})).await;
        peer.send(response(&call, json!({}))).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).connect().await.expect("a session");
    let mut notes = client.notifications();
    client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    let told = notes.next().await.expect("a notification");
    assert!(matches!(&told, Err(Error::Protocol(reason)) if reason.contains("params")), "{told:?}");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_told_as_a_failure() {
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        peer.send(json!({"jsonrpc": "2.0", "id": 1, "method": "roots/list"})).await;
        let refused = peer.receive().await;
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(1), &json!(-32603)));
        peer.close(1000, "").await;
    })
    .await;
    let handler = async |_: Asked| Ok::<_, Refusal>("file:///");
    let client = builder(&gateway).on_request(handler).connect().await.expect("a session");
    client.closed().await;
    gateway.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_asks_and_never_reads_is_read_no_more_and_then_given_up() {
    const MOST: usize = 400_000;
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        let ping = format!(r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#, "x".repeat(60));
        let frame = [&[0x81, u8::try_from(ping.len()).expect("a short one")][..], ping.as_bytes()].concat();
        let some = frame.repeat(100);
        let mut stream = peer.into_stream();
        let mut sent = 0;
        while sent < MOST && stream.write_all(&some).await.is_ok() {
            sent += 100;
        }
        assert!(sent < MOST, "as many answers are kept as are asked for");
    })
    .await;
    let client = gateway.client().mcp().connect().await.expect("a session");
    match client.closed().await {
        Error::Closed { code: 1006, reason } => assert!(reason.contains("nothing came"), "{reason}"),
        other => panic!("{other:?}"),
    }
    gateway.finish().await;
}
