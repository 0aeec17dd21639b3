//! Calls that outlive the stream that brought them, and whoever joins them.
use std::time::Duration;

use backend::{Backend, Call, ErrorCode, Failure, Serve, Tool};
use protocol::pb::backend_client::BackendClient;
use protocol::pb::{CallRequest, DescribeRequest};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tonic::transport::Channel;

use crate::harness::{Calls, check_code, result, serve, serve_with, soon, tool};

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

impl Slow {
    async fn tells(&mut self, what: &str) {
        assert_eq!(soon(self.told.recv()).await, Some(what));
    }

    /// Begins the call, with id 1, and waits until it runs.
    async fn begin(&mut self, client: &BackendClient<Channel>) -> Calls {
        let calls = Calls::open(client).await;
        calls.send(tool(1, "slow", "")).await;
        self.tells("started").await;
        calls
    }

    /// Loses a stream, and waits until the backend knows.
    async fn lose(&mut self, calls: Calls) {
        // Without a key it ends with its stream.
        calls.send(CallRequest { idempotency_key: String::new(), ..tool(2, "slow", "") }).await;
        self.tells("started").await;
        drop(calls);
        self.tells("dropped").await;
    }

    async fn begin_and_lose(&mut self, client: &BackendClient<Channel>) {
        let calls = self.begin(client).await;
        self.lose(calls).await;
    }
}

/// A stream that has joined the call, with id 7.
async fn joined(client: &BackendClient<Channel>) -> Calls {
    let mut calls = Calls::open(client).await;
    calls.send(joining(7)).await;
    heard(&mut calls).await;
    calls
}

/// Waits until all that was sent before has been taken.
async fn heard(calls: &mut Calls) {
    calls.send(tool(8, "none", "")).await;
    let (call_id, event) = calls.next().await;
    assert_eq!(call_id, 8, "{event:?}");
}

fn joining(call_id: u64) -> CallRequest {
    CallRequest { join: true, ..tool(call_id, "slow", "") }
}

#[tokio::test]
async fn a_call_goes_on_without_its_stream_and_whoever_joins_it_hears_of_it() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    slow.begin_and_lose(&client).await;
    let mut calls = joined(&client).await;
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
    slow.begin_and_lose(&client).await;
    slow.open.send_replace(true);
    for call_id in 1..4 {
        let mut calls = Calls::open(&client).await;
        calls.send(joining(call_id)).await;
        let (told, end) = calls.next().await;
        assert_eq!((told, result(end).as_str()), (call_id, "\"done\""));
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
    let _running_one = slow.begin(&client).await;
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
    slow.begin_and_lose(&client).await;
    slow.tells("dropped").await;
}

#[tokio::test]
async fn whoever_has_joined_a_call_cancels_it() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    slow.begin_and_lose(&client).await;
    let mut calls = joined(&client).await;
    calls.cancel(7).await;
    let (call_id, end) = calls.next().await;
    assert_eq!(call_id, 7);
    check_code(end, ErrorCode::Cancelled);
    slow.tells("dropped").await;
}

#[tokio::test]
async fn a_stream_does_not_end_before_a_call_that_it_has_joined_over_its_limit() {
    let (backend, mut slow) = slow();
    let backend = backend.remember(Duration::from_secs(60));
    let (_running, client) = serve_with(backend, Serve { max_running_calls: 1, ..Serve::default() }).await;
    let _first = slow.begin(&client).await;
    let mut calls = Calls::open(&client).await;
    calls.send(CallRequest { idempotency_key: String::new(), ..tool(1, "slow", "") }).await;
    slow.tells("started").await;
    calls.send(joining(7)).await;
    heard(&mut calls).await;
    calls.cancel(1).await;
    let mut calls = calls.complete();
    check_code(calls.next().await.1, ErrorCode::Cancelled);
    slow.open.send_replace(true);
    let (call_id, progress) = calls.next().await;
    assert_eq!(call_id, 7, "{progress:?}");
    assert_eq!(result(calls.next().await.1), "\"done\"");
    assert_eq!(calls.next_or_end().await, None);
}

#[tokio::test]
async fn whoever_a_call_was_taken_from_cancels_it_no_more() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    let mut first = slow.begin(&client).await;
    let mut calls = joined(&client).await;
    first.cancel(1).await;
    heard(&mut first).await;
    slow.open.send_replace(true);
    let (call_id, progress) = calls.next().await;
    assert_eq!(call_id, 7, "{progress:?}");
    assert_eq!(result(calls.next().await.1), "\"done\"");
}

#[tokio::test]
async fn a_call_that_was_refused_is_none_to_join() {
    let (backend, mut slow) = slow();
    let (_running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    let mut calls = slow.begin(&client).await;
    let other = |request: CallRequest| CallRequest { idempotency_key: "key-2".to_owned(), ..request };
    calls.send(other(tool(1, "slow", ""))).await;
    check_code(calls.next().await.1, ErrorCode::Internal);
    calls.send(other(joining(2))).await;
    check_code(calls.next().await.1, ErrorCode::OutcomeUnknown);
    // Nor is one that runs taken from its stream under an id that stands for another call there.
    let keyless = CallRequest { idempotency_key: String::new(), ..tool(3, "slow", "") };
    calls.send(keyless).await;
    slow.tells("started").await;
    calls.send(joining(3)).await;
    check_code(calls.next().await.1, ErrorCode::Internal);
}

#[tokio::test]
async fn nothing_follows_the_end_of_a_call_for_whoever_joins_it_late() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (backend, mut slow) = slow();
    let opened = slow.open.clone();
    let told_of = Tool::new("told", move |call: Call, _: Value| {
        let (sent, mut open) = (tell.send(call), opened.subscribe());
        async move {
            sent.map_err(Failure::internal)?;
            open.wait_for(|open| *open).await.map_err(Failure::internal)?;
            Ok(backend::Json(serde_json::json!("done")))
        }
    });
    let (_running, client) = serve(backend.tool(told_of).remember(Duration::from_secs(60))).await;
    let calls = Calls::open(&client).await;
    calls.send(tool(1, "told", "")).await;
    let call: Call = soon(told.recv()).await.expect("it is called");
    slow.lose(calls).await;
    slow.open.send_replace(true);
    let mut calls = Calls::open(&client).await;
    calls.send(joining(7)).await;
    assert_eq!(result(calls.next().await.1), "\"done\"");
    call.progress(1.0, None, "").await;
    heard(&mut calls).await;
}

#[tokio::test]
async fn what_outlives_its_stream_does_not_outlive_its_backend() {
    let (backend, mut slow) = slow();
    let (running, client) = serve(backend.remember(Duration::from_secs(60))).await;
    slow.begin_and_lose(&client).await;
    drop(running);
    slow.tells("dropped").await;
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
            slow.tells("dropped").await;
        }
    }
}
