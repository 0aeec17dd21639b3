//! Requests and their answers over JSON.

use std::time::Duration;

use client::{Error, Progress, Request, Update};
use fastwebsockets::OpCode;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::support::{Peer, ready};

#[tokio::test]
async fn answers_out_of_order_find_their_requests() {
    let gateway = ready(async |mut peer: Peer| {
        let mut requests = Vec::new();
        for _ in 0..200 {
            requests.push(peer.receive().await);
        }
        assert!(
            requests.is_sorted_by_key(|request| request["params"].as_u64()),
            "requests come in the order sent"
        );
        for request in requests.iter().rev() {
            peer.answer(request, request["params"].clone()).await;
        }
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let mut calls = Vec::new();
    for n in 0..200 {
        calls.push((n, client.call("echo", n).await.expect("a call")));
    }
    for (n, call) in calls {
        assert_eq!(call.await.expect("a result").get(), n.to_string());
    }
    gateway.finish().await;
}

#[tokio::test]
async fn an_error_answer_carries_code_message_and_details() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        let error = json!({"code": 4002, "message": "too fast", "details": {"retry_after_ms": 12}});
        peer.fail(&request, error).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    match client.request("echo", ()).await {
        Err(Error::Rpc { code: 4002, message, details: Some(details) }) => {
            assert_eq!((message.as_str(), details.get()), ("too fast", "{\"retry_after_ms\":12}"));
        }
        other => panic!("{other:?}"),
    }
    gateway.finish().await;
}

#[tokio::test]
async fn a_call_streams_its_updates_before_its_result() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        let params = json!({"tool": "sleep", "args": {"ms": 200}});
        assert_eq!(request, json!({"id": 2, "type": 0, "method": "tool.execute", "params": params}));
        peer.progress(&request, json!({"progress": 1, "total": 2, "message": "half"})).await;
        peer.progress(&request, json!({"partial": {"line": 1}})).await;
        peer.answer(&request, json!({"done": true})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let params = json!({"tool": "sleep", "args": {"ms": 200}});
    let mut call = client.call("tool.execute", params).await.expect("a call");
    let updates: Vec<_> = (&mut call).collect().await;
    let half = Progress { progress: 1.0, total: Some(2.0), message: Some("half".to_owned()) };
    assert!(matches!(&updates[0], Update::Progress(progress) if *progress == half), "{updates:?}");
    assert!(matches!(&updates[1], Update::Partial(part) if part.get() == "{\"line\":1}"), "{updates:?}");
    assert_eq!(updates.len(), 2);
    assert_eq!(call.result().await.expect("a result").get(), "{\"done\":true}");
    gateway.finish().await;
}

#[tokio::test]
async fn cancel_is_a_request_and_the_call_ends_with_4008() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        let cancel = peer.receive().await;
        assert_eq!(
            (&cancel["method"], &cancel["params"]),
            (&json!("tool.cancel"), &json!({"id": request["id"]}))
        );
        peer.answer(&cancel, json!({"cancelled": true})).await;
        peer.fail(&request, json!({"code": 4008, "message": "cancelled"})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let call = client.call("tool.execute", json!({"tool": "sleep"})).await.expect("a call");
    assert!(call.cancel().await.expect("an answer"));
    assert_eq!(call.await.expect_err("cancelled").rpc_code(), Some(protocol::ErrorCode::Cancelled));
    gateway.finish().await;
}

#[tokio::test]
async fn dropping_an_unfinished_call_cancels_it_if_it_was_sent() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        assert_eq!(request["method"], "tool.execute", "what was dropped unsent is not sent");
        peer.progress(&request, json!({"progress": 1})).await;
        let mut both = [peer.receive().await, peer.receive().await];
        both.sort_by_key(|message| message["method"] == "next");
        let [cancel, next] = both;
        assert_eq!(
            (&cancel["method"], &cancel["params"]),
            (&json!("tool.cancel"), &json!({"id": request["id"]}))
        );
        // Late answers to what nobody waits for do no harm.
        peer.answer(&cancel, json!({"cancelled": false})).await;
        peer.answer(&request, json!("late")).await;
        peer.answer(&next, json!("next")).await;
        let last = peer.receive().await;
        assert_eq!(last["method"], "last", "an answered call is not cancelled");
        peer.answer(&last, Value::Null).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    drop(client.call("unsent", ()).await.expect("a call"));
    let mut call = client.call("tool.execute", json!({"tool": "sleep"})).await.expect("a call");
    call.next().await.expect("it was sent");
    drop(call);
    let mut answered = client.call("next", ()).await.expect("a call");
    assert!(answered.next().await.is_none());
    drop(answered);
    client.request("last", ()).await.expect("a result");
    gateway.finish().await;
}

#[tokio::test]
async fn a_timeout_is_told_to_the_gateway_and_kept_without_it() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        assert_eq!(request["meta"], json!({"timeout_ms": 2000, "traceparent": "00-1-2-01"}));
        assert_eq!(peer.receive().await["method"], "tool.cancel");
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let request = Request::new("tool.execute", json!({"tool": "sleep"})).expect("params");
    let request = request.timeout(Duration::from_secs(2)).traceparent("00-1-2-01");
    tokio::time::pause();
    let result = client.start(request).await.expect("a call").await;
    assert!(
        matches!(result, Err(Error::Timeout(timeout)) if timeout == Duration::from_secs(2)),
        "{result:?}"
    );
    gateway.finish().await;
}

#[tokio::test]
async fn a_batch_is_one_frame_and_its_results_stand_in_the_order_of_its_requests() {
    let gateway = ready(async |mut peer: Peer| {
        let requests = peer.receive().await;
        let requests = requests.as_array().expect("an array");
        peer.fail(&requests[1], json!({"code": 4004, "message": "no"})).await;
        let answers =
            [&requests[2], &requests[0]].map(|it| json!({"id": it["id"], "type": 1, "result": it["params"]}));
        peer.send(json!(answers)).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    let results = client.batch(vec![("echo", 1), ("nothing", 2), ("echo", 3)]).await;
    assert_eq!(results[0].as_ref().expect("a result").get(), "1");
    assert!(matches!(results[1], Err(Error::Rpc { code: 4004, .. })));
    assert_eq!(results[2].as_ref().expect("a result").get(), "3");
    assert!(client.batch(Vec::<(String, ())>::new()).await.is_empty());
    gateway.finish().await;
}

#[tokio::test]
async fn a_notification_has_no_id_and_awaits_nothing() {
    let gateway = ready(async |mut peer: Peer| {
        assert_eq!(peer.receive().await, json!({"type": 2, "method": "event.publish", "params": [1]}));
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    client.notify("event.publish", [1]).await.expect("sent");
    gateway.finish().await;
}

#[tokio::test]
async fn pings_of_the_message_format_are_answered_in_both_directions() {
    let gateway = ready(async |mut peer: Peer| {
        peer.send(json!({"type": 4, "id": "from-the-gateway"})).await;
        let mut both = [peer.receive().await, peer.receive().await];
        both.sort_by_key(|message| message["type"].as_u64());
        let [ping, pong] = both;
        assert_eq!(pong, json!({"id": "from-the-gateway", "type": 5}));
        assert_eq!(ping["type"], 4);
        peer.send(json!({"id": ping["id"], "type": 5})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    client.ping().await.expect("a pong");
    gateway.finish().await;
}

#[tokio::test]
async fn a_fresh_token_is_brought_and_its_end_returned() {
    let gateway = ready(async |mut peer: Peer| {
        let request = peer.receive().await;
        assert_eq!(
            (&request["method"], &request["params"]),
            (&json!("session.refresh"), &json!({"token": "new"}))
        );
        peer.answer(&request, json!({"expires_at": 1_900_000_000})).await;
    })
    .await;
    let client = gateway.client().connect().await.expect("a client");
    assert_eq!(client.refresh("new").await.expect("accepted"), Some(1_900_000_000));
    gateway.finish().await;
}

#[tokio::test]
async fn compressed_answers_are_inflated_where_they_were_asked_for() {
    let gateway = crate::support::gateway(async |mut peer: Peer| {
        let initialize = peer.initialize(json!({})).await;
        assert_eq!(initialize["params"]["compression"], json!(["deflate"]));
        let request = peer.receive().await;
        let answer = json!({"id": request["id"], "type": 1, "result": "x".repeat(5000)}).to_string();
        let mut zlib = Vec::new();
        protocol::zlib::deflate(answer.as_bytes(), &mut zlib);
        peer.write(true, OpCode::Binary, &zlib).await;
    })
    .await;
    let client = gateway.client().compression(true).connect().await.expect("a client");
    assert_eq!(client.request("echo", ()).await.expect("a result").get().len(), 5002);
    gateway.finish().await;
}
