//! What the gateway sends on its own accord.

use client::{Error, Notification};
use serde_json::json;

use crate::support::{Peer, ready};

fn event(n: u64) -> serde_json::Value {
    json!({"type": 2, "method": "event", "params": {"name": "tool.executed", "data": n}, "seq": n})
}

#[tokio::test]
async fn each_stream_sees_every_notification_in_order_and_ends_with_the_connection() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        for n in 1..=3 {
            peer.send(event(n)).await;
        }
        peer.answer(&request, json!({})).await;
        peer.close(1001, "").await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let (mut one, mut two) = (client.notifications(), client.notifications());
    client.request("event.subscribe", ()).await.expect("a result");
    for stream in [&mut one, &mut two] {
        for n in 1..=3 {
            let Notification { method, params, seq } =
                stream.next().await.expect("an item").expect("an event");
            assert_eq!((method.as_str(), seq), ("event", Some(n)));
            assert!(params.get().contains("tool.executed"));
        }
        assert!(stream.next().await.is_none());
    }
    gateway.finish().await;
}

#[tokio::test]
async fn an_error_that_belongs_to_no_request_is_told_to_the_streams() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        peer.send(json!({"id": null, "type": 3, "error": {"code": 4000, "message": "what?"}})).await;
        peer.answer(&request, json!({})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let mut notifications = client.notifications();
    client.request("echo", ()).await.expect("a result");
    assert!(matches!(notifications.next().await, Some(Err(Error::Rpc { code: 4000, .. }))));
    gateway.finish().await;
}

#[tokio::test]
async fn progress_of_a_call_is_not_a_notification() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        peer.progress(&request, json!({"progress": 1})).await;
        peer.send(json!({"type": 2, "method": "session.migrate"})).await;
        peer.answer(&request, json!({})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let mut notifications = client.notifications();
    client.request("tool.execute", ()).await.expect("a result");
    let first = notifications.next().await.expect("an item").expect("a notification");
    assert_eq!((first.method.as_str(), first.params.get()), ("session.migrate", "null"));
    gateway.finish().await;
}
