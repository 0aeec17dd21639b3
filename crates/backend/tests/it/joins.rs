//! Calls that outlive the stream that brought them, and whoever joins them.
use std::time::Duration;

use backend::{Backend, Call, ErrorCode, Failure, Tool};
use protocol::pb::{CallRequest, DescribeRequest};
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use crate::harness::{Calls, check_code, result, serve, soon, tool};

/// What a tool `slow` does, which ends once it is let go.
struct Slow {
    told: mpsc::UnboundedReceiver<&'static str>,
    open: watch::Sender<bool>,
}

/// Tells the test when a handler's future is dropped.
struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

fn slow() -> (Backend, Slow) {
    let (tell, told) = mpsc::unbounded_channel();
    let open = watch::Sender::new(false);
    let opened = open.clone();
    let slow = Tool::new("slow", move |call: Call, _: Value| {
        let (tell, mut open) = (tell.clone(), opened.subscribe());
        async move {
            let dropped = Dropped(tell.clone());
            tell.send("started").map_err(Failure::internal)?;
            open.wait_for(|open| *open).await.map_err(Failure::internal)?;
            call.progress(1.0, None, "").await;
            std::mem::forget(dropped);
            Ok(backend::Json(serde_json::json!("done")))
        }
    });
    (Backend::new("slow").tool(slow), Slow { told, open })
}

fn joining(call_id: u64) -> CallRequest {
    CallRequest { join: true, ..tool(call_id, "slow", "") }
}

#[tokio::test]
async fn a_call_goes_on_without_its_stream_and_whoever_joins_it_hears_of_it() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    let lost = Calls::open(&client).await;
    lost.send(tool(1, "slow", "")).await;
    assert_eq!(soon(slow.told.recv()).await, Some("started"));
    drop(lost);
    let mut calls = Calls::open(&client).await;
    calls.send(joining(7)).await;
    // What stands behind it is answered, so it has been joined.
    calls.send(tool(8, "none", "")).await;
    assert_eq!(calls.next().await.0, 8);
    slow.open.send_replace(true);
    let (call_id, progress) = calls.next().await;
    assert_eq!(call_id, 7, "{progress:?}");
    let (call_id, end) = calls.next().await;
    assert_eq!((call_id, result(end).as_str()), (7, "\"done\""));
    assert!(slow.told.try_recv().is_err(), "it was executed once");
}

#[tokio::test]
async fn an_end_that_nobody_has_heard_is_kept_and_told_as_often_as_it_is_asked_for() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    let lost = Calls::open(&client).await;
    lost.send(tool(1, "slow", "")).await;
    assert_eq!(soon(slow.told.recv()).await, Some("started"));
    drop(lost);
    slow.open.send_replace(true);
    for call_id in 1..4 {
        let mut calls = Calls::open(&client).await;
        calls.send(joining(call_id)).await;
        let mut event = calls.next().await;
        if let (_, protocol::pb::call_event::Event::Progress(_)) = event {
            event = calls.next().await;
        }
        assert_eq!((event.0, result(event.1).as_str()), (call_id, "\"done\""));
    }
}

#[tokio::test]
async fn nothing_is_begun_by_who_joins_and_nobody_joins_anothers_call() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    let mut calls = Calls::open(&client).await;
    calls.send(joining(1)).await;
    check_code(calls.next().await.1, ErrorCode::OutcomeUnknown);
    assert!(slow.told.try_recv().is_err());
    calls.send(tool(2, "slow", "")).await;
    assert_eq!(soon(slow.told.recv()).await, Some("started"));
    let mut stranger = joining(3);
    stranger.identity.as_mut().expect("the harness names one").tenant = "another".to_owned();
    calls.send(stranger).await;
    check_code(calls.next().await.1, ErrorCode::OutcomeUnknown);
    let keyless = CallRequest { idempotency_key: String::new(), ..joining(4) };
    calls.send(keyless).await;
    check_code(calls.next().await.1, ErrorCode::OutcomeUnknown);
}

#[tokio::test]
async fn a_call_that_nobody_joins_is_cancelled_when_its_time_is_over() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_millis(50))).await;
    let lost = Calls::open(&client).await;
    lost.send(tool(1, "slow", "")).await;
    assert_eq!(soon(slow.told.recv()).await, Some("started"));
    drop(lost);
    assert_eq!(soon(slow.told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn whoever_has_joined_a_call_cancels_it() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    let lost = Calls::open(&client).await;
    lost.send(tool(1, "slow", "")).await;
    assert_eq!(soon(slow.told.recv()).await, Some("started"));
    drop(lost);
    let mut calls = Calls::open(&client).await;
    calls.send(joining(7)).await;
    calls.cancel(7).await;
    let (call_id, end) = calls.next().await;
    assert_eq!(call_id, 7);
    check_code(end, ErrorCode::Cancelled);
    assert_eq!(soon(slow.told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn what_remembers_says_so_and_what_does_not_ends_with_its_stream() {
    for remembers in [true, false] {
        let (backend, mut slow) = slow();
        let backend = if remembers { backend.remember(Duration::from_secs(60)) } else { backend };
        let (_running, mut client) = serve(backend).await;
        let description =
            client.describe(DescribeRequest {}).await.expect("it describes itself").into_inner();
        let annotations = description.tools[0].annotations.unwrap_or_default();
        assert_eq!(annotations.joinable, remembers);
        let lost = Calls::open(&client).await;
        lost.send(tool(1, "slow", "")).await;
        assert_eq!(soon(slow.told.recv()).await, Some("started"));
        drop(lost);
        if !remembers {
            assert_eq!(soon(slow.told.recv()).await, Some("dropped"));
        }
    }
}
