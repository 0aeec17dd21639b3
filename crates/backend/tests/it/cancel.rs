//! Calls that end before their handler does.
use backend::{Backend, Call, ErrorCode, Failure, Tool};
use protocol::pb::CallRequest;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::harness::{Calls, Requests, check_code, result, serve, soon, tool};

/// Tells the test when a handler's future is dropped.
struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

/// A tool `wait` that never ends, and what becomes of it.
fn waiting() -> (Backend, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, told) = mpsc::unbounded_channel();
    let wait = Tool::new("wait", move |_: Call, _: Value| {
        let tell = tell.clone();
        async move {
            let _dropped = Dropped(tell.clone());
            tell.send("started").map_err(Failure::internal)?;
            std::future::pending::<()>().await;
            Ok(())
        }
    });
    let echo = Tool::new("echo", |_: Call, args: Value| async move { Ok(args) });
    (Backend::new("waiting").tool(wait).tool(echo), told)
}

#[tokio::test]
async fn a_cancel_drops_the_handler_and_ends_the_call_with_4008() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "wait", "")).await;
    assert_eq!(soon(told.recv()).await, Some("started"));
    calls.cancel(1).await;
    let (call_id, event) = calls.next().await;
    assert_eq!(call_id, 1);
    check_code(event, ErrorCode::Cancelled);
    assert_eq!(told.try_recv(), Ok("dropped"), "the handler is gone before the caller is told");
}

#[tokio::test]
async fn a_cancel_ends_its_own_call_only() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    for call_id in [1, 2] {
        calls.send(tool(call_id, "wait", "")).await;
        assert_eq!(soon(told.recv()).await, Some("started"));
    }
    calls.cancel(2).await;
    assert_eq!(calls.next().await.0, 2);
    calls.send(tool(3, "echo", "3")).await;
    assert_eq!(result(calls.next().await.1), "3");
    calls.cancel(1).await;
    assert_eq!(calls.next().await.0, 1);
}

#[tokio::test]
async fn a_cancel_of_an_unknown_or_ended_call_is_ignored() {
    let (backend, _told) = waiting();
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.cancel(99).await;
    calls.send(tool(1, "echo", "1")).await;
    assert_eq!(result(calls.next().await.1), "1");
    calls.cancel(1).await;
    calls.send(tool(1, "echo", "2")).await;
    assert_eq!(result(calls.next().await.1), "2", "an id is free again once its call has ended");
}

#[tokio::test]
async fn a_dropped_call_stream_drops_the_handler() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let events = client.clone().call(tool(1, "wait", "")).await.expect("the call is taken");
    assert_eq!(soon(told.recv()).await, Some("started"));
    drop(events);
    assert_eq!(soon(told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn a_dropped_stream_of_calls_drops_all_of_its_handlers() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let calls = Calls::open(&client).await;
    for call_id in 0..3 {
        calls.send(tool(call_id, "wait", "")).await;
        assert_eq!(soon(told.recv()).await, Some("started"));
    }
    drop(calls);
    for _ in 0..3 {
        assert_eq!(soon(told.recv()).await, Some("dropped"));
    }
}

#[tokio::test]
async fn a_lost_connection_drops_all_of_its_handlers() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let calls = Calls::open(&client).await;
    calls.send(tool(1, "wait", "")).await;
    assert_eq!(soon(told.recv()).await, Some("started"));
    drop((calls, client));
    assert_eq!(soon(told.recv()).await, Some("dropped"));
}

#[tokio::test]
async fn a_stream_that_is_complete_lets_its_calls_end() {
    let (let_go, wait_for) = tokio::sync::watch::channel(false);
    let backend = Backend::new("slow").tool(Tool::new("slow", move |_: Call, _: Value| {
        let mut go = wait_for.clone();
        async move {
            go.wait_for(|go| *go).await.map_err(Failure::internal)?;
            Ok("in the end")
        }
    }));
    let (_running, client) = serve(backend).await;
    let calls = Calls::open(&client).await;
    calls.send(tool(1, "slow", "")).await;
    let mut calls = calls.complete();
    let_go.send_replace(true);
    assert_eq!(result(calls.next().await.1), "\"in the end\"");
    assert_eq!(calls.next_or_end().await, None);
}

#[tokio::test]
async fn a_passed_deadline_drops_the_handler_and_ends_the_call_with_4007() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "wait", "").with_timeout(30)).await;
    assert_eq!(soon(told.recv()).await, Some("started"));
    check_code(calls.next().await.1, ErrorCode::DeadlineExceeded);
    assert_eq!(told.try_recv(), Ok("dropped"));
    check_code(
        crate::harness::call(&client, tool(1, "wait", "").with_timeout(30)).await,
        ErrorCode::DeadlineExceeded,
    );
}

#[tokio::test]
async fn children_of_a_handler_see_the_cancel() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let children = std::sync::Arc::new(tokio::sync::Mutex::new(JoinSet::new()));
    let backend = Backend::new("parent").tool(Tool::new("spawn", move |call: Call, _: Value| {
        let (tell, children) = (tell.clone(), children.clone());
        async move {
            let child = call.clone();
            children.lock().await.spawn(async move {
                let _ = tell.send(child.is_cancelled());
                child.cancelled().await;
                let _ = tell.send(child.is_cancelled());
            });
            std::future::pending::<()>().await;
            Ok(())
        }
    }));
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "spawn", "")).await;
    assert_eq!(soon(told.recv()).await, Some(false));
    calls.cancel(1).await;
    assert_eq!(soon(told.recv()).await, Some(true));
    check_code(calls.next().await.1, ErrorCode::Cancelled);
}

#[tokio::test]
async fn a_cancel_over_call_is_refused() {
    let (backend, _told) = waiting();
    let (_running, mut client) = serve(backend).await;
    let refused = client.call(CallRequest { cancel: true, ..CallRequest::default() }).await;
    assert_eq!(refused.expect_err("Call knows no cancel").code(), tonic::Code::InvalidArgument);
}

#[tokio::test]
async fn a_live_call_id_is_not_taken_twice() {
    let (backend, mut told) = waiting();
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(5, "wait", "")).await;
    assert_eq!(soon(told.recv()).await, Some("started"));
    calls.send(tool(5, "wait", "")).await;
    let (call_id, event) = calls.next().await;
    assert_eq!(call_id, 5);
    check_code(event, ErrorCode::Internal);
    assert!(told.try_recv().is_err(), "nothing was started or dropped");
    calls.cancel(5).await;
    check_code(calls.next().await.1, ErrorCode::Cancelled);
    assert_eq!(soon(told.recv()).await, Some("dropped"));
}
