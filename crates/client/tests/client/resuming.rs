//! What becomes of sessions and requests when a connection is lost.

use std::time::Duration;

use client::{Error, Format, Request};
use fastwebsockets::OpCode;
use serde_json::{Value, json};

use crate::support::{Door, connected, house, reconnecting, resumable, resumed};

/// Both formats do the same.
async fn check_resumed(format: Format) {
    let gateway = house(async |door: Door| {
        let (mut peer, params) = door.session(resumable("t-1")).await;
        assert_eq!(params.get("resume"), None);
        let answered = peer.receive().await;
        let first = peer.receive().await;
        let second = peer.receive().await;
        peer.answer(&answered, json!("answered")).await;
        let mark = peer.receive().await;
        assert_eq!(mark["method"], "mark");
        drop(peer);

        let (mut peer, params) = door.session(resumed("t-2")).await;
        let ids: Vec<_> = [&first, &second, &mark].map(|it| it["id"].clone()).into();
        assert_eq!(params["resume"], json!({"session_id": "s-1", "resume_token": "t-1", "unanswered": ids}));
        let again = peer.receive_all().await;
        assert_eq!(again, [first.clone(), second.clone(), mark.clone()], "the same again, in order");
        for request in again.iter().rev() {
            peer.answer(request, request["params"].clone()).await;
        }
        drop(peer);

        let (peer, params) = door.session(resumed("t-3")).await;
        assert_eq!(params["resume"], json!({"session_id": "s-1", "resume_token": "t-2"}));
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().format(format).connect().await.expect("a client");
    let calls = [("answered", 0), ("first", 1), ("second", 2)];
    let mut handles = Vec::new();
    for (method, n) in calls {
        handles.push(client.call(method, n).await.expect("a call"));
    }
    let second = handles.pop().expect("three");
    let first = handles.pop().expect("three");
    assert_eq!(handles.pop().expect("three").await.expect("a result").get(), "\"answered\"");
    let mark = client.call("mark", 3).await.expect("a call");
    for (call, result) in [(first, "1"), (second, "2"), (mark, "3")] {
        assert_eq!(call.await.expect("a result").get(), result);
    }
    connected(&client, 3).await;
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn what_is_not_answered_is_sent_again_with_the_same_ids_and_nothing_else_is() {
    check_resumed(Format::Json).await;
    check_resumed(Format::Binary).await;
}

#[tokio::test]
async fn a_dropped_call_is_not_sent_again_but_its_cancel_is_sent() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        let dropped = peer.receive().await;
        let kept = peer.receive().await;
        peer.progress(&dropped, json!({"progress": 1})).await;
        drop(peer);

        // The client drops the call while there is no session.
        let mut peer = door.peer().await;
        let initialize = peer.receive().await;
        let named = &initialize["params"]["resume"]["unanswered"];
        assert_eq!(*named, json!([dropped["id"], kept["id"]]), "what the gateway is to find");
        peer.write(true, OpCode::Ping, b"").await;
        peer.frame().await;
        peer.answer(&initialize, json!({"session_id": "s-1", "resumed": true})).await;
        let again = peer.receive().await;
        assert_eq!(again, kept);
        let cancel = peer.receive().await;
        assert_eq!(
            (&cancel["method"], &cancel["params"]),
            (&json!("tool.cancel"), &json!({"id": dropped["id"]}))
        );
        peer.answer(&again, json!("kept")).await;
        peer.close_frame().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    let mut dropped = client.call("dropped", ()).await.expect("a call");
    let kept = client.call("kept", ()).await.expect("a call");
    dropped.next().await.expect("progress");
    reconnecting(&client).await;
    drop(dropped);
    drop(client.call("dropped unsent", ()).await.expect("a call"));
    assert_eq!(kept.await.expect("a result").get(), "\"kept\"");
    drop(client);
    gateway.finish().await;
}

#[tokio::test]
async fn a_cancelled_call_that_the_gateway_does_not_know_ends_as_cancelled() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        let call = peer.receive().await;
        let cancel = peer.receive().await;
        drop(peer);

        let (mut peer, params) = door.session(json!({})).await;
        assert_eq!(params["resume"]["unanswered"], json!([call["id"], cancel["id"]]));
        let again = peer.receive().await;
        assert_eq!(again, cancel);
        peer.answer(&again, json!({"cancelled": false})).await;
        peer.close_frame().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    let call = client.call("a", ()).await.expect("a call");
    assert!(!call.cancel().await.expect("an answer"));
    assert_eq!(call.await.expect_err("cancelled").rpc_code(), Some(protocol::ErrorCode::Cancelled));
    drop(client);
    gateway.finish().await;
}

#[tokio::test]
async fn a_resume_whose_answer_was_lost_is_the_same_attempt_again() {
    let gateway = house(async |door: Door| {
        let (peer, _) = door.session(resumable("t-1")).await;
        drop(peer);
        let mut peer = door.peer().await;
        let lost = peer.receive().await["params"]["resume"].take();
        drop(peer);
        let mut peer = door.peer().await;
        let mut again = peer.initialize(resumed("t-2")).await["params"]["resume"].take();
        assert_eq!(again["turn"], 2);
        again["turn"] = json!(1);
        assert_eq!(again, lost);
        assert!(
            again["attempt"].as_str().is_some_and(|attempt| (16..=64).contains(&attempt.len())),
            "{again}"
        );
        drop(peer);
        let mut peer = door.peer().await;
        let other = peer.initialize(resumed("t-3")).await["params"]["resume"].take();
        assert_eq!(other["resume_token"], "t-2");
        assert_ne!(other["attempt"], again["attempt"]);
        assert_eq!(other["turn"], 1);
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    connected(&client, 3).await;
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_refused_resume_is_followed_by_a_fresh_session_with_what_is_unanswered() {
    // The gateway may say why before it closes, or close at once.
    for says_why in [true, false] {
        let gateway = house(async move |door: Door| {
            let (mut peer, _) = door.session(resumable("t-1")).await;
            let request = peer.receive().await;
            drop(peer);

            let mut peer = door.peer().await;
            let initialize = peer.receive().await;
            assert_eq!(initialize["params"]["resume"]["resume_token"], "t-1");
            if says_why {
                peer.fail(&initialize, json!({"code": 4001, "message": "no such token"})).await;
            }
            peer.close(4401, "").await;
            drop(peer);

            let (mut peer, params) =
                door.session(json!({"session_id": "s-2", "resend": [request["id"]]})).await;
            assert_eq!(params["resume"], json!({"unanswered": [request["id"]]}));
            let again = peer.receive().await;
            assert_eq!(again, request);
            peer.fail(&again, json!({"code": 4006, "message": "who knows"})).await;
            peer.close_frame().await;
        })
        .await;
        let client = gateway.returning_client().connect().await.expect("a client");
        let error = client.request("tool.execute", ()).await.expect_err("unknown");
        assert_eq!(error.rpc_code(), Some(protocol::ErrorCode::OutcomeUnknown));
        assert_eq!(client.session().session_id, "s-2");
        drop(client);
        gateway.finish().await;
    }
}

#[tokio::test]
async fn a_resume_whose_answer_is_lost_or_that_comes_too_early_is_tried_again_with_the_same_token() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        let request = peer.receive().await;
        drop(peer);
        let mut peer = door.peer().await;
        peer.receive().await;
        drop(peer);
        let mut peer = door.peer().await;
        peer.receive().await;
        peer.close(1013, "the store is out of reach").await;
        drop(peer);
        let (mut peer, params) = door.session(resumed("t-2")).await;
        assert_eq!(params["resume"]["resume_token"], "t-1");
        assert_eq!(peer.receive().await, request);
        peer.answer(&request, json!(1)).await;
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    client.request("a", ()).await.expect("a result");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_changed_session_forgets_its_token_or_gets_another() {
    for (change, resume) in [
        (json!({"session_id": "s-1", "resumable": false, "reason": "the store is gone"}), Value::Null),
        (
            json!({"session_id": "s-1", "resumable": true, "resume_token": "t-9", "resume_window_ms": 1}),
            json!({"session_id": "s-1", "resume_token": "t-9"}),
        ),
    ] {
        for format in [Format::Json, Format::Binary] {
            let (change, resume) = (change.clone(), resume.clone());
            let gateway = house(async move |door: Door| {
                let (mut peer, _) = door.session(resumable("t-1")).await;
                peer.send(json!({"type": 2, "method": "session.changed", "params": change})).await;
                drop(peer);
                let (mut peer, params) = door.session(json!({})).await;
                assert_eq!(params["resume"], resume);
                peer.close_frame().await;
            })
            .await;
            let client = gateway.returning_client().format(format).connect().await.expect("a client");
            connected(&client, 2).await;
            client.close().await;
            gateway.finish().await;
        }
    }
}

#[tokio::test]
async fn a_session_that_migrates_holds_new_requests_back_and_still_gets_answers() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        let running = peer.receive().await;
        let params = json!({"reason": "draining", "reconnect_after_ms": 0});
        peer.send(json!({"type": 2, "method": "session.migrate", "params": params})).await;
        peer.answer(&running, json!("at last")).await;
        // The pong comes, so what was to be held back would have come before it.
        peer.write(true, OpCode::Ping, b"still there?").await;
        assert_eq!(peer.frame().await, (OpCode::Pong, b"still there?".to_vec()));
        peer.close(1012, "0").await;
        let (code, _) = peer.close_frame().await;
        assert_eq!(code, 1012);
        drop(peer);

        let (mut peer, params) = door.session(resumed("t-2")).await;
        assert_eq!(params["resume"], json!({"session_id": "s-1", "resume_token": "t-1"}));
        let held = peer.receive().await;
        assert_eq!(held["method"], "held");
        peer.answer(&held, json!("here")).await;
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    let mut notifications = client.notifications();
    let running = client.call("running", ()).await.expect("a call");
    let migrate = notifications.next().await.expect("an item").expect("a notification");
    assert_eq!(migrate.method, "session.migrate");
    let held = client.call("held", ()).await.expect("a call");
    assert_eq!(running.await.expect("a result").get(), "\"at last\"");
    assert_eq!(held.await.expect("a result").get(), "\"here\"");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_call_that_a_draining_gateway_turned_away_is_sent_to_the_next() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        let request = peer.receive().await;
        let details = json!({"draining": true});
        peer.fail(&request, json!({"code": 4009, "message": "draining", "details": details})).await;
        peer.close(1012, "0").await;
        peer.close_frame().await;
        drop(peer);
        let (mut peer, _) = door.session(json!({})).await;
        assert_eq!(peer.receive().await, request);
        peer.fail(&request, json!({"code": 4009, "message": "no replica"})).await;
        peer.close_frame().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    match client.request("a", ()).await {
        Err(Error::Rpc { code: 4009, message, .. }) => assert_eq!(message, "no replica"),
        other => panic!("{other:?}"),
    }
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn an_unknown_outcome_that_is_repeatable_is_repeated_once() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        let request = peer.receive().await;
        let unknown = json!({"code": 4006, "message": "who knows", "details": {"repeatable": true}});
        peer.fail(&request, unknown.clone()).await;
        assert_eq!(peer.receive().await, request);
        peer.fail(&request, unknown).await;
        peer.close_frame().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    let error = client.request("a", ()).await.expect_err("unknown");
    assert_eq!(error.rpc_code(), Some(protocol::ErrorCode::OutcomeUnknown));
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn what_is_sent_again_has_less_time_and_fits_the_limits() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        for _ in 0..5 {
            peer.receive().await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(7)).await;
        tokio::time::resume();
        drop(peer);
        let limits = json!({"message_batch_size": 2, "max_message_size": 1000});
        let (mut peer, _) = door.session(json!({"resumed": true, "limits": limits})).await;
        let mut ids = Vec::new();
        for size in [2, 1, 2] {
            let requests = peer.receive_all().await;
            assert_eq!(requests.len(), size, "{requests:?}");
            for request in &requests {
                ids.push(request["id"].as_u64().expect("a number"));
                if let Some(left) = request["meta"]["timeout_ms"].as_u64() {
                    assert!((2000..=3000).contains(&left), "{left} ms of 10 s are left");
                }
                peer.answer(request, json!(1)).await;
            }
        }
        assert_eq!(ids, [2, 3, 4, 5, 6]);
        peer.close_frame().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    let mut calls = Vec::new();
    for size in [1, 1, 900, 1, 1] {
        let request = Request::new("a", "x".repeat(size)).expect("params").timeout(Duration::from_secs(10));
        calls.push(client.start(request).await.expect("a call"));
    }
    for call in calls {
        call.await.expect("a result");
    }
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_client_does_not_wait_for_a_pod_that_drains_and_still_runs_its_call() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        let running = peer.receive().await;
        let params = json!({"reason": "draining", "reconnect_after_ms": 0});
        peer.send(json!({"type": 2, "method": "session.migrate", "params": params})).await;
        // This pod neither answers nor closes.
        let (mut next, params) = door.session(resumed("t-2")).await;
        assert_eq!(params["resume"]["unanswered"], json!([running["id"]]));
        let again = next.receive().await;
        assert_eq!(again, running);
        next.answer(&again, json!("here")).await;
        next.part().await;
        drop(peer);
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    assert_eq!(client.request("running", ()).await.expect("a result").get(), "\"here\"");
    client.close().await;
    gateway.finish().await;
}
