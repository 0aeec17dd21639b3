//! What a handler reports before its end.
use backend::{Backend, Call, ErrorCode, Failure, Raw, Tool};
use protocol::pb::{Progress, call_event::Event};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::{Calls, check_code, result, serve, soon, tool};

fn reporting() -> Backend {
    Backend::new("reporting").tool(Tool::new("report", |call: Call, steps: u32| async move {
        for step in 1..=steps {
            call.progress(step.into(), f64::from(steps), format!("step {step}")).await;
            call.partial(json!({ "step": step })).await?;
        }
        call.progress(1.5, None, "").await;
        Ok("done")
    }))
}

async fn check_order(mut next: impl AsyncFnMut() -> Event, steps: u32) {
    for step in 1..=steps {
        let progress =
            Progress { progress: step.into(), total: steps.into(), message: format!("step {step}") };
        assert_eq!(next().await, Event::Progress(progress));
        assert_eq!(next().await, Event::Partial(format!(r#"{{"step":{step}}}"#).into()));
    }
    assert_eq!(next().await, Event::Progress(Progress { progress: 1.5, total: 0.0, message: String::new() }));
    assert_eq!(result(next().await), r#""done""#);
}

#[tokio::test]
async fn progress_and_partials_come_in_order_before_the_result() {
    let (_running, client) = serve(reporting()).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(3, "report", "5")).await;
    check_order(async || calls.next().await.1, 5).await;

    let mut events =
        client.clone().call(tool(3, "report", "5")).await.expect("the call is taken").into_inner();
    let next = async || {
        let event = soon(events.message()).await.expect("the stream is sound").expect("the stream goes on");
        event.event.expect("an event is not empty")
    };
    check_order(next, 5).await;
    assert!(soon(events.message()).await.expect("the stream is sound").is_none());
}

#[tokio::test]
async fn a_reader_that_pauses_gets_every_report_in_order() {
    let (_running, client) = serve(reporting()).await;
    let mut calls = Calls::open(&client).await;
    // More than queues and windows hold, so the handler has to wait for its reader.
    calls.send(tool(3, "report", "200000")).await;
    let first = calls.next().await.1;
    assert!(matches!(&first, Event::Progress(progress) if progress.progress == 1.0), "{first:?}");
    let mut expected = 2.0;
    loop {
        match calls.next().await.1 {
            Event::Progress(progress) if progress.total > 0.0 => {
                assert_eq!(progress.progress, expected);
                expected += 1.0;
            }
            Event::Result(_) => break,
            _ => {}
        }
    }
    assert_eq!(expected, 200_001.0);
}

#[tokio::test]
async fn nothing_follows_the_end_of_a_call() {
    let (keep, mut kept) = mpsc::channel(1);
    let backend = Backend::new("leaking").tool(Tool::new("leak", move |call: Call, _: Value| {
        let keep = keep.clone();
        async move {
            keep.send(call).await.map_err(Failure::internal)?;
            Ok(())
        }
    }));
    let (_running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "leak", "")).await;
    assert_eq!(result(calls.next().await.1), "null");
    let leaked = soon(kept.recv()).await.expect("the handler kept its call");
    leaked.progress(1.0, None, "too late").await;
    leaked.partial("too late").await.expect("what comes too late is dropped");
    assert!(!leaked.is_cancelled(), "a normal end is no cancel");

    calls.send(tool(2, "leak", "")).await;
    assert_eq!(calls.next().await.0, 2, "nothing of call 1 came before");
    soon(kept.recv()).await.expect("the handler kept its call");

    let mut events = client.clone().call(tool(3, "leak", "")).await.expect("the call is taken").into_inner();
    let leaked = soon(kept.recv()).await.expect("the handler kept its call");
    assert!(soon(events.message()).await.expect("the stream is sound").is_some());
    assert!(
        soon(events.message()).await.expect("the stream is sound").is_none(),
        "a kept call keeps no stream"
    );
    drop(events);
    calls.send(tool(4, "leak", "")).await;
    assert_eq!(calls.next().await.0, 4, "the backend has seen the stream of call 3 end");
    assert!(!leaked.is_cancelled(), "a normal end is no cancel");
}

#[tokio::test]
async fn a_result_over_the_message_limit_fails_its_call_alone() {
    let options = backend::Serve { max_message_size: 64 << 10, ..backend::Serve::default() };
    let backend = Backend::new("large").tool(Tool::new("fill", |_: Call, size: usize| async move {
        Raw::parse(format!("\"{}\"", "x".repeat(size - 2))).map_err(Failure::internal)
    }));
    let (_running, client) = crate::harness::serve_with(backend, options).await;
    let mut calls = Calls::open(&client).await;
    let largest = (64 << 10) - 64;
    calls.send(tool(1, "fill", &largest.to_string())).await;
    assert_eq!(result(calls.next().await.1).len(), largest);
    calls.send(tool(2, "fill", &(largest + 1).to_string())).await;
    check_code(calls.next().await.1, ErrorCode::TooLarge);
    calls.send(tool(3, "fill", "10")).await;
    assert_eq!(result(calls.next().await.1).len(), 10);
}
