//! Subscriptions: each event once and in order, over however many connections.

use client::{Client, Error, Event, Format, Subscription};
use fastwebsockets::OpCode;
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::support::{Door, Gateway, Peer, house, reconnecting, resumable, resumed};

impl Peer {
    /// Answers the next request, which subscribes to these names. The log is at this offset.
    async fn subscribed(&mut self, names: Value, last_offset: u64) -> Value {
        let request = self.receive().await;
        assert_eq!(request["method"], "event.subscribe");
        assert_eq!(request["params"], json!({"names": names}));
        self.answer(&request, position("e-1", last_offset, true)).await;
        request
    }

    async fn event(&mut self, name: &str, offset: u64) {
        let params = json!({"name": name, "data": {"n": offset}});
        self.send(json!({"type": 2, "method": "event", "params": params, "seq": offset})).await;
    }
}

/// The answer to `event.subscribe`.
fn position(epoch: &str, last_offset: u64, recovered: bool) -> Value {
    json!({"subscriptions": [], "log_epoch": epoch, "last_offset": last_offset, "recovered": recovered})
}

/// What a gateway says that resumed a session with subscriptions.
fn replaying(names: Value, epoch: &str, last_offset: u64, recovered: bool) -> Value {
    let mut answer = resumed("t-2");
    answer["subscriptions"] = names;
    answer["log_epoch"] = json!(epoch);
    answer["last_offset"] = json!(last_offset);
    answer["recovered"] = json!(recovered);
    answer
}

async fn client(gateway: &Gateway) -> Client {
    gateway.returning_client().connect().await.expect("a client")
}

/// The offsets of the next events.
async fn offsets(subscription: &mut Subscription, count: usize) -> Vec<u64> {
    let events = subscription.take(count).map(|event| event.expect("an event").offset);
    events.collect().await
}

fn assert_gap(item: Option<Result<Event, Error>>, epoch: &str, offset: u64) {
    match item {
        Some(Err(Error::Gap { log_epoch, last_offset })) => {
            assert_eq!((log_epoch.as_str(), last_offset), (epoch, offset));
        }
        other => panic!("{other:?}"),
    }
}

async fn check_events_come_once(format: Format) {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.subscribed(json!(["tool.*", "x"]), 10).await;
        for (name, offset) in [("tool.executed", 11), ("other", 12), ("x", 13)] {
            peer.event(name, offset).await;
        }
        drop(peer);
        let (mut peer, params) = door.session(replaying(json!(["tool.*", "x"]), "e-1", 13, true)).await;
        let resume = &params["resume"];
        assert_eq!((&resume["log_epoch"], &resume["last_offset"]), (&json!("e-1"), &json!(13)));
        // A replay that begins too early does no harm.
        for offset in 11..=15 {
            peer.event("tool.failed", offset).await;
        }
        drop(peer);
        let (peer, params) = door.session(replaying(json!(["tool.*", "x"]), "e-1", 15, true)).await;
        assert_eq!(params["resume"]["last_offset"], 15);
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().format(format).connect().await.expect("a client");
    let mut subscription = client.subscribe(["tool.*", "x"]).await.expect("a subscription");
    let mut notifications = client.notifications();
    let first = subscription.next().await.expect("an item").expect("an event");
    assert_eq!((first.offset, first.log_epoch.as_str(), first.name.as_str()), (11, "e-1", "tool.executed"));
    assert_eq!(first.data.get(), "{\"n\":11}");
    assert_eq!(offsets(&mut subscription, 3).await, [13, 14, 15]);
    crate::support::connected(&client, 3).await;
    client.close().await;
    assert!(subscription.next().await.is_none());
    let mut seen = Vec::new();
    while let Some(notification) = notifications.next().await {
        seen.extend(notification.expect("a notification").seq);
    }
    assert!(seen.is_sorted_by(|one, other| one < other), "notifications come once as well: {seen:?}");
    gateway.finish().await;
}

#[tokio::test]
async fn events_come_once_and_in_order_over_several_connections() {
    check_events_come_once(Format::Json).await;
    check_events_come_once(Format::Binary).await;
}

#[tokio::test]
async fn a_gap_is_told_where_it_is() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.subscribed(json!(["*"]), 10).await;
        peer.event("a", 11).await;
        let gap = json!({"log_epoch": "e-1", "last_offset": 20});
        peer.send(json!({"type": 2, "method": "event.gap", "params": gap})).await;
        peer.event("a", 21).await;
        drop(peer);
        // The log does not reach back any more, or is another one.
        let (mut peer, _) = door.session(replaying(json!(["*"]), "e-1", 30, false)).await;
        peer.event("a", 31).await;
        drop(peer);
        let (mut peer, params) = door.session(replaying(json!(["*"]), "e-2", 0, false)).await;
        assert_eq!(params["resume"]["last_offset"], 31);
        peer.event("a", 1).await;
        peer.part().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut subscription = client.subscribe(["*"]).await.expect("a subscription");
    assert_eq!(offsets(&mut subscription, 1).await, [11]);
    assert_gap(subscription.next().await, "e-1", 20);
    assert_eq!(offsets(&mut subscription, 1).await, [21]);
    assert_gap(subscription.next().await, "e-1", 30);
    assert_eq!(offsets(&mut subscription, 1).await, [31]);
    assert_gap(subscription.next().await, "e-2", 0);
    let event = subscription.next().await.expect("an item").expect("an event");
    assert_eq!((event.offset, event.log_epoch.as_str()), (1, "e-2"));
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_fresh_session_is_subscribed_again_from_the_position_that_was_reached() {
    for recovered in [true, false] {
        let gateway = house(async move |door: Door| {
            let (mut peer, _) = door.session(json!({})).await;
            peer.subscribed(json!(["a"]), 10).await;
            peer.event("a", 11).await;
            let request = peer.receive().await;
            drop(peer);
            let (mut peer, params) = door.session(json!({"session_id": "s-2"})).await;
            assert_eq!(params["resume"], json!({"unanswered": [request["id"]]}));
            let subscribe = peer.receive().await;
            let expected = json!({"names": ["a"], "log_epoch": "e-1", "last_offset": 11});
            assert_eq!((&subscribe["method"], &subscribe["params"]), (&json!("event.subscribe"), &expected));
            peer.answer(&subscribe, position("e-1", if recovered { 11 } else { 40 }, recovered)).await;
            peer.event("a", 41).await;
            assert_eq!(peer.receive().await, request, "requests come after the subscriptions");
            peer.answer(&request, json!(1)).await;
            peer.close_frame().await;
        })
        .await;
        let client = client(&gateway).await;
        let mut subscription = client.subscribe(["a"]).await.expect("a subscription");
        let call = client.call("x", ()).await.expect("a call");
        assert_eq!(offsets(&mut subscription, 1).await, [11]);
        if !recovered {
            assert_gap(subscription.next().await, "e-1", 40);
        }
        assert_eq!(offsets(&mut subscription, 1).await, [41]);
        call.await.expect("a result");
        client.close().await;
        gateway.finish().await;
    }
}

#[tokio::test]
async fn a_fresh_session_that_can_not_be_subscribed_is_asked_until_it_can() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        peer.subscribed(json!(["a"]), 10).await;
        peer.subscribed(json!(["b"]), 10).await;
        peer.event("a", 11).await;
        drop(peer);
        let (mut peer, _) = door.session(json!({"session_id": "s-2"})).await;
        let away = json!({"code": 4009, "message": "the store is out of reach"});
        let first = peer.receive().await;
        assert_eq!(first["params"], json!({"names": ["a", "b"], "log_epoch": "e-1", "last_offset": 11}));
        peer.send(json!({"type": 2, "method": "drop", "params": {}})).await;
        let unsubscribe = peer.receive().await;
        assert_eq!(unsubscribe["params"], json!({"names": ["b"]}));
        peer.fail(&first, away.clone()).await;
        let expected = json!({"names": ["a"], "log_epoch": "e-1", "last_offset": 11});
        for _ in 0..2 {
            let again = peer.receive().await;
            assert_eq!((&again["method"], &again["params"]), (&json!("event.subscribe"), &expected));
            peer.fail(&again, away.clone()).await;
        }
        let last = peer.receive().await;
        assert_eq!(last["params"], expected);
        peer.answer(&last, position("e-1", 11, true)).await;
        peer.event("a", 12).await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut notifications = client.notifications();
    let mut kept = client.subscribe(["a"]).await.expect("a subscription");
    let dropped = client.subscribe(["b"]).await.expect("a subscription");
    assert_eq!(offsets(&mut kept, 1).await, [11]);
    while notifications.next().await.expect("an item").expect("a notification").method != "drop" {}
    drop(dropped);
    assert_eq!(offsets(&mut kept, 1).await, [12], "and nothing is told but events");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_fresh_session_that_may_not_be_subscribed_tells_why() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        peer.subscribed(json!(["a"]), 10).await;
        drop(peer);
        let (mut peer, _) = door.session(json!({"session_id": "s-2"})).await;
        let renewal = peer.receive().await;
        peer.fail(&renewal, json!({"code": 4013, "message": "no scope"})).await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut subscription = client.subscribe(["a"]).await.expect("a subscription");
    match subscription.next().await {
        Some(Err(error)) => assert_eq!(error.rpc_code(), Some(protocol::ErrorCode::Forbidden)),
        other => panic!("{other:?}"),
    }
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn subscriptions_share_the_wire_and_end_when_nobody_wants_the_name() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        peer.subscribed(json!(["a", "b"]), 10).await;
        peer.event("b", 11).await;
        peer.subscribed(json!(["b.*", "b"]), 12).await;
        peer.event("b", 13).await;
        peer.event("b.c", 14).await;
        let unsubscribe = peer.receive().await;
        assert_eq!(unsubscribe["method"], "event.unsubscribe");
        assert_eq!(unsubscribe["params"], json!({"names": ["a"]}), "the other still wants b");
        peer.answer(&unsubscribe, json!({"subscriptions": ["b", "b.*"]})).await;
        peer.event("a", 15).await;
        peer.event("b", 16).await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut one = client.subscribe(["a", "b"]).await.expect("a subscription");
    let mut two = client.subscribe(["b.*", "b"]).await.expect("a subscription");
    assert_eq!(two.names(), ["b.*", "b"]);
    assert_eq!(offsets(&mut one, 2).await, [11, 13]);
    drop(one);
    assert_eq!(offsets(&mut two, 3).await, [13, 14, 16]);
    client.close().await;
    assert!(two.next().await.is_none());
    gateway.finish().await;
}

#[tokio::test]
async fn a_resumed_session_is_rid_of_names_that_were_dropped_meanwhile_and_asked_for_those_it_lacks() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.subscribed(json!(["kept"]), 10).await;
        peer.subscribed(json!(["lost"]), 10).await;
        peer.subscribed(json!(["dropped"]), 10).await;
        drop(peer);
        let mut peer = door.peer().await;
        let initialize = peer.receive().await;
        peer.write(true, OpCode::Ping, b"").await;
        peer.frame().await;
        let mut answer = replaying(json!(["kept", "dropped"]), "e-1", 10, true);
        answer["session_id"] = json!("s-1");
        peer.answer(&initialize, answer).await;
        let subscribe = peer.receive().await;
        assert_eq!(
            (&subscribe["method"], &subscribe["params"]),
            (&json!("event.subscribe"), &json!({"names": ["lost"]}))
        );
        let unsubscribe = peer.receive().await;
        assert_eq!(unsubscribe["method"], "event.unsubscribe");
        assert_eq!(unsubscribe["params"], json!({"names": ["dropped"]}));
        peer.answer(&subscribe, position("e-1", 12, true)).await;
        peer.event("kept", 11).await;
        peer.event("lost", 13).await;
        peer.part().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut kept = client.subscribe(["kept"]).await.expect("a subscription");
    let mut lost = client.subscribe(["lost"]).await.expect("a subscription");
    let dropped = client.subscribe(["dropped"]).await.expect("a subscription");
    reconnecting(&client).await;
    drop(dropped);
    assert_eq!(offsets(&mut kept, 1).await, [11]);
    assert_gap(lost.next().await, "e-1", 10);
    assert_eq!(offsets(&mut lost, 1).await, [13]);
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_subscription_that_was_not_confirmed_is_sent_again() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        let subscribe = peer.receive().await;
        drop(peer);
        // The gateway took it all the same, and events come before its answer.
        let (mut peer, params) = door.session(replaying(json!(["a"]), "e-1", 10, true)).await;
        assert_eq!(params["resume"]["unanswered"], json!([subscribe["id"]]));
        assert_eq!(params["resume"].get("last_offset"), None);
        peer.event("a", 11).await;
        assert_eq!(peer.receive().await, subscribe);
        peer.answer(&subscribe, position("e-1", 11, true)).await;
        peer.event("a", 12).await;
        peer.part().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut subscription = client.subscribe(["a"]).await.expect("a subscription");
    assert_eq!(offsets(&mut subscription, 1).await, [12], "11 is from before");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_refused_subscription_is_an_error_and_leaves_nothing() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        let request = peer.receive().await;
        peer.fail(&request, json!({"code": 4013, "message": "no scope"})).await;
        let unsubscribe = peer.receive().await;
        assert_eq!(unsubscribe["method"], "event.unsubscribe");
        peer.answer(&unsubscribe, json!({"subscriptions": []})).await;
        peer.close(1012, "0").await;
        peer.close_frame().await;
        drop(peer);
        let (mut peer, _) = door.session(json!({})).await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let error = client.subscribe(["a"]).await.expect_err("refused");
    assert_eq!(error.rpc_code(), Some(protocol::ErrorCode::Forbidden));
    crate::support::connected(&client, 2).await;
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_subscriber_that_does_not_read_holds_the_connection_back_and_misses_nothing() {
    const COUNT: u64 = 3000;
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({"heartbeat_ms": 50})).await;
        peer.subscribed(json!(["*"]), 0).await;
        let request = peer.receive().await;
        for offset in 1..=COUNT {
            peer.event(&"x".repeat(1000), offset).await;
        }
        peer.answer(&request, json!(1)).await;
        while peer.frame_or_end().await.is_some_and(|(opcode, _)| opcode != OpCode::Close) {}
    })
    .await;
    let client = gateway.client().unread_limit(10_000).connect().await.expect("a client");
    let mut subscription = client.subscribe(["*"]).await.expect("a subscription");
    let call = client.call("after the events", ()).await.expect("a call");
    let mut call = std::pin::pin!(call.result());
    // Much longer than a silent gateway would be waited for.
    assert!(tokio::time::timeout(std::time::Duration::from_millis(400), &mut call).await.is_err());
    let seen = offsets(&mut subscription, usize::try_from(COUNT).expect("a small number")).await;
    assert_eq!(seen, (1..=COUNT).collect::<Vec<_>>());
    call.await.expect("a result");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_subscription_tells_why_the_client_has_ended() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.subscribed(json!(["*"]), 0).await;
        peer.event("a", 1).await;
        peer.close(4409, "taken over").await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut subscription = client.subscribe(["*"]).await.expect("a subscription");
    assert_eq!(offsets(&mut subscription, 1).await, [1]);
    assert!(matches!(subscription.next().await, Some(Err(Error::Closed { code: 4409, .. }))));
    assert!(subscription.next().await.is_none());
    gateway.finish().await;
}

#[tokio::test]
async fn a_subscription_by_a_request_of_its_own_is_renewed_as_well() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        peer.subscribed(json!(["a", "b"]), 10).await;
        let unsubscribe = peer.receive().await;
        peer.answer(&unsubscribe, json!({"subscriptions": ["a"]})).await;
        peer.receive().await;
        peer.event("a", 11).await;
        drop(peer);
        let (mut peer, _) = door.session(json!({})).await;
        let subscribe = peer.receive().await;
        assert_eq!(subscribe["params"], json!({"names": ["a"], "log_epoch": "e-1", "last_offset": 11}));
        peer.event("a", 11).await;
        peer.event("a", 12).await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let mut notifications = client.notifications();
    client.request("event.subscribe", json!({"names": ["a", "b"]})).await.expect("a result");
    client.request("event.unsubscribe", json!({"names": ["b"]})).await.expect("a result");
    client.notify("go", ()).await.expect("sent");
    for offset in [11, 12] {
        let event = notifications.next().await.expect("an item").expect("a notification");
        assert_eq!(event.seq, Some(offset));
    }
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn an_event_is_published_with_the_same_key_again() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        let publish = peer.receive().await;
        assert_eq!(publish["method"], "event.publish");
        let params = &publish["params"];
        assert_eq!((&params["name"], &params["data"]), (&json!("x"), &json!([1])));
        assert!(params["key"].as_str().expect("a key").len() >= 16);
        drop(peer);
        let (mut peer, _) = door.session(json!({})).await;
        assert_eq!(peer.receive().await, publish);
        peer.answer(&publish, json!({"offset": 7, "log_epoch": "e-1"})).await;
        let other = peer.receive().await;
        assert_ne!(other["params"]["key"], publish["params"]["key"]);
        peer.answer(&other, json!({"offset": 8, "log_epoch": "e-1"})).await;
        let own = peer.receive().await;
        assert_eq!(own["params"], json!({"name": "x", "data": null, "key": "mine"}));
        peer.fail(&own, json!({"code": 4009, "message": "the log cannot be written"})).await;
        peer.close_frame().await;
    })
    .await;
    let client = client(&gateway).await;
    let published = client.publish("x", [1]).await.expect("published");
    assert_eq!((published.offset, published.log_epoch.as_str()), (7, "e-1"));
    assert_eq!(client.publish("x", [1]).await.expect("published").offset, 8);
    let error = client.publish_keyed("mine", "x", ()).await.expect_err("no log");
    assert_eq!(error.rpc_code(), Some(protocol::ErrorCode::BackendUnavailable));
    client.close().await;
    gateway.finish().await;
}
