//! Bounds: slow readers, batches and messages that are too large.

use client::{Error, Update};
use serde_json::json;

use crate::support::{Peer, gateway, ready};

#[tokio::test]
async fn notifications_over_the_limit_are_one_gap_that_is_told() {
    let gateway = ready(async |mut peer: Peer| {
        for _ in 0..2 {
            let request = peer.receive().await;
            for n in 0..100 {
                peer.send(json!({"type": 2, "method": "event", "params": n})).await;
            }
            peer.answer(&request, json!({})).await;
        }
    })
    .await;
    let client = gateway.client().unread_limit(2000).connect().await.expect("a client");
    let mut notifications = client.notifications();
    for _ in 0..2 {
        client.request("go", ()).await.expect("a result");
        let mut seen = 0;
        let missed = loop {
            match notifications.next().await.expect("an item") {
                Ok(notification) => assert_eq!(notification.params.get(), seen.to_string()),
                Err(Error::Lagged { missed }) => break missed,
                Err(other) => panic!("{other:?}"),
            }
            seen += 1;
        };
        assert!(seen > 0);
        assert_eq!(seen + missed, 100);
    }
    gateway.finish().await;
}

#[tokio::test]
async fn unread_parts_over_the_limit_cancel_their_call_and_no_other() {
    let gateway = ready(async |mut peer: Peer| {
        let slow = peer.receive().await;
        let other = peer.receive().await;
        for _ in 0..10 {
            peer.progress(&slow, json!({"partial": "x".repeat(500)})).await;
        }
        let cancel = peer.receive().await;
        assert_eq!(
            (&cancel["method"], &cancel["params"]),
            (&json!("tool.cancel"), &json!({"id": slow["id"]}))
        );
        peer.answer(&other, json!("fine")).await;
    })
    .await;
    let client = gateway.client().unread_limit(2000).connect().await.expect("a client");
    let slow = client.call("slow", ()).await.expect("a call");
    assert_eq!(client.request("other", ()).await.expect("a result").get(), "\"fine\"");
    assert!(matches!(slow.await, Err(Error::Lagged { .. })));
    gateway.finish().await;
}

#[tokio::test]
async fn parts_that_nobody_wants_are_thrown_away() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        // The pong says that the caller waits for the result by now.
        let ping = peer.receive().await;
        peer.send(json!({"id": ping["id"], "type": 5})).await;
        for _ in 0..10 {
            peer.progress(&request, json!({"partial": "x".repeat(500)})).await;
        }
        peer.answer(&request, json!("whole")).await;
    })
    .await;
    let client = gateway.client().unread_limit(2000).connect().await.expect("a client");
    let call = client.call("stream", ()).await.expect("a call");
    let (result, pong) = tokio::join!(call.result(), client.ping());
    pong.expect("a pong");
    assert_eq!(result.expect("a result").get(), "\"whole\"");
    gateway.finish().await;
}

#[tokio::test]
async fn progress_that_is_not_read_gives_way_to_the_newest() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        for n in 1..=5000 {
            peer.progress(&request, json!({"progress": n})).await;
        }
        let ping = peer.receive().await;
        peer.send(json!({"id": ping["id"], "type": 5})).await;
        peer.answer(&request, json!("done")).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let mut call = client.call("long", ()).await.expect("a call");
    client.ping().await.expect("a pong");
    let (mut count, mut last) = (0, 0.0);
    while let Some(Update::Progress(progress)) = call.next().await {
        assert!(progress.progress > last, "progress rises");
        (count, last) = (count + 1, progress.progress);
    }
    assert!(count <= 100, "{count} were kept");
    assert_eq!(last, 5000.0);
    assert_eq!(call.await.expect("a result").get(), "\"done\"");
    gateway.finish().await;
}

#[tokio::test]
async fn what_the_gateway_would_refuse_is_not_sent() {
    let gateway = gateway(async |mut peer: Peer| {
        peer.initialize(json!({"limits": {"message_batch_size": 2, "max_message_size": 1000}})).await;
        let request = peer.receive().await;
        assert_eq!(request["method"], "small", "nothing came before it");
        peer.answer(&request, json!({})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let results = client.batch(vec![("a", 1), ("b", 2), ("c", 3)]).await;
    assert_eq!(results.len(), 3);
    assert!(results.iter().all(|result| matches!(result, Err(Error::Unsendable(_)))), "{results:?}");
    let large = client.request("large", "x".repeat(1000)).await;
    assert!(matches!(large, Err(Error::Unsendable(_))), "{large:?}");
    client.request("small", ()).await.expect("a result");
    gateway.finish().await;
}
