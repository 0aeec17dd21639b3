//! Events that a backend publishes through its gateways.
use std::time::{Duration, Instant};

use backend::{Backend, Call, Error, ErrorCode, Failure, Published, Publisher, Raw, Running, Serve, Tool};
use protocol::pb::CallRequest;
use protocol::pb::backend_client::BackendClient;
use serde_json::{Value, json};
use tonic::Code;
use tonic::transport::Channel;

use crate::event_log::{Plan, RunningLog};
use crate::harness::{Calls, call, error, result, serve_with, soon, tool};

fn through(logs: &[&RunningLog]) -> Serve {
    let register_at = logs.iter().map(|log| format!("http://{}", log.address)).collect();
    Serve { register_at, ..Serve::default() }
}

/// A backend whose tool publishes two events of one name, and one of another.
async fn ordering(options: Serve) -> (Running, BackendClient<Channel>) {
    let order = Tool::new("order", |call: Call, _: Value| async move {
        let mut offsets = Vec::new();
        for (name, number) in [("order.created", 1), ("order.paid", 2), ("order.created", 3)] {
            offsets.push(call.publish(name, json!({ "number": number })).await?.offset);
        }
        Ok(offsets)
    });
    serve_with(Backend::new("orders").tool(order), options).await
}

async fn publisher(name: &str, options: Serve) -> Publisher {
    let noop = Tool::new("noop", |_: Call, _: Value| async move { Ok(()) });
    let running = Backend::new(name).tool(noop).serve(options).await.expect("the backend serves");
    running.publisher()
}

fn refused(name: &str, reason: &str) -> String {
    format!("the event {name:?} was refused: {reason}")
}

#[tokio::test]
async fn a_handler_publishes_to_its_callers_tenant() {
    let log = RunningLog::start();
    let (_running, client) = ordering(through(&[&log])).await;
    assert_eq!(result(call(&client, tool(1, "order", "")).await), "[1,2,3]");
    let events = [
        ("acme", "order.created", r#"{"number":1}"#),
        ("acme", "order.paid", r#"{"number":2}"#),
        ("acme", "order.created", r#"{"number":3}"#),
    ];
    assert_eq!(log.log().events(), events);
    assert!(log.log().seen.iter().all(|event| (1..=120).contains(&event.idempotency_key.len())));
}

#[tokio::test]
async fn a_call_that_is_executed_again_publishes_once() {
    let log = RunningLog::start();
    let (_running, client) = ordering(through(&[&log])).await;
    let (_replica, other) = ordering(through(&[&log])).await;
    let mut calls = Calls::open(&other).await;
    assert_eq!(result(call(&client, tool(1, "order", "")).await), "[1,2,3]");
    calls.send(tool(2, "order", "")).await;
    assert_eq!(result(calls.next().await.1), "[1,2,3]");
    let another = CallRequest { idempotency_key: "key-2".to_owned(), ..tool(3, "order", "") };
    assert_eq!(result(call(&client, another).await), "[4,5,6]");
}

#[tokio::test]
async fn a_call_without_a_key_publishes_each_time() {
    let log = RunningLog::start();
    let (_running, client) = ordering(through(&[&log])).await;
    for expected in ["[1,2,3]", "[4,5,6]"] {
        let keyless = CallRequest { idempotency_key: String::new(), ..tool(1, "order", "") };
        assert_eq!(result(call(&client, keyless).await), expected);
    }
}

#[tokio::test]
async fn events_are_published_from_outside_of_a_call() {
    let log = RunningLog::start();
    let publisher = publisher("clock", through(&[&log])).await;
    let published = soon(publisher.publish("acme", "clock.ticked", json!({"at": 1}), None)).await;
    let first = Published { offset: 1, log_epoch: "00000000000000ab".to_owned() };
    assert_eq!(published.expect("the log is in reach"), first);
    let raw = Raw::parse("null").expect("it is JSON");
    soon(publisher.publish("umbrella", "clock.ticked", raw, None)).await.expect("the log is in reach");
    let events = [("acme", "clock.ticked", r#"{"at":1}"#), ("umbrella", "clock.ticked", "null")];
    assert_eq!(log.log().events(), events);
}

#[tokio::test]
async fn a_key_makes_two_publishes_one_within_a_backend() {
    let log = RunningLog::start();
    let (one, other) =
        (publisher("orders", through(&[&log])).await, publisher("invoices", through(&[&log])).await);
    let replica = publisher("orders", through(&[&log])).await;
    let long = "x".repeat(10_000);
    for (publisher, key, offset) in [
        (&one, Some("17"), 1),
        (&replica, Some("17"), 1),
        (&other, Some("17"), 2),
        (&one, Some(&*long), 3),
        (&one, Some(&*long), 3),
        (&one, None, 4),
        (&one, None, 5),
    ] {
        let published = soon(publisher.publish("acme", "n", 1, key)).await.expect("the log is in reach");
        assert_eq!(published.offset, offset, "{key:?}");
    }
}

#[tokio::test]
async fn an_event_whose_answer_was_lost_is_published_once() {
    let log = RunningLog::start();
    let publisher = publisher("orders", through(&[&log])).await;
    log.plan([Plan::Lose, Plan::Refuse(Code::Unavailable, "the store is out of reach")]);
    let published = soon(publisher.publish("acme", "n", 1, None)).await.expect("the log is back");
    assert_eq!(published.offset, 1);
    let log = log.log();
    assert_eq!((log.seen.len(), log.stored.len()), (3, 1));
}

#[tokio::test]
async fn another_gateway_is_asked_while_the_first_is_away() {
    let (first, second) = (RunningLog::start(), RunningLog::start());
    let publisher = publisher("orders", through(&[&first, &second])).await;
    first.plan([Plan::Refuse(Code::Unavailable, "the store is out of reach")]);
    for offset in 1..=3 {
        let published = soon(publisher.publish("acme", "n", offset, None)).await.expect("one is in reach");
        assert_eq!(published.offset, offset);
    }
    assert_eq!(first.log().seen.len(), 1, "the one that answers is asked first");
    let key = first.log().seen[0].idempotency_key.clone();
    assert_eq!(second.log().seen[0].idempotency_key, key, "it is the same event");
    drop(second);
    soon(publisher.publish("acme", "n", 4, None)).await.expect("the first is back");
    assert_eq!(first.log().stored.len(), 1);
}

#[tokio::test]
async fn a_gateway_that_hangs_leaves_time_for_another() {
    let (first, second) = (RunningLog::start(), RunningLog::start());
    let options = Serve { publish_timeout: Duration::from_secs(3), ..through(&[&first, &second]) };
    let publisher = publisher("orders", options).await;
    first.plan([Plan::Hang]);
    let published = soon(publisher.publish("acme", "n", 1, None)).await.expect("the second is well");
    assert_eq!(published.offset, 1);
    assert_eq!(second.log().stored.len(), 1);
}

#[tokio::test]
async fn an_event_that_nobody_confirms_is_given_up_in_time() {
    let log = RunningLog::start();
    let options = Serve { publish_timeout: Duration::from_millis(300), ..through(&[&log]) };
    let publisher = publisher("orders", options).await;
    log.plan([Plan::Hang, Plan::Hang, Plan::Hang, Plan::Hang]);
    let started = Instant::now();
    let error = soon(publisher.publish("acme", "n", 1, None)).await.expect_err("nobody answers");
    assert!(matches!(error, Error::EventUnconfirmed { .. }), "{error}");
    assert!(error.to_string().contains("did not answer in time"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_refused_event_is_not_tried_again() {
    let (log, other) = (RunningLog::start(), RunningLog::start());
    let publisher = publisher("orders", through(&[&log, &other])).await;
    for code in [Code::InvalidArgument, Code::PermissionDenied, Code::OutOfRange] {
        log.plan([Plan::Refuse(code, "name: use 1 to 128 bytes")]);
        let error = soon(publisher.publish("acme", "n", 1, None)).await.expect_err("it is refused");
        assert!(matches!(error, Error::EventRefused { .. }), "{error}");
        assert_eq!(error.to_string(), refused("n", "name: use 1 to 128 bytes"));
    }
    assert_eq!((log.log().seen.len(), other.log().seen.len()), (3, 0));
}

#[tokio::test]
async fn data_without_a_json_form_is_refused_before_it_is_sent() {
    let log = RunningLog::start();
    let publisher = publisher("orders", through(&[&log])).await;
    let unwritable = std::collections::HashMap::from([((1, 2), 3)]);
    let error = soon(publisher.publish("acme", "n", unwritable, None)).await.expect_err("keys are strings");
    assert_eq!(error.to_string(), refused("n", "key must be a string"));
    assert!(log.log().seen.is_empty());
}

#[tokio::test]
async fn without_a_gateway_nothing_is_published() {
    let publisher = publisher("orders", Serve::default()).await;
    let error = soon(publisher.publish("acme", "n", 1, None)).await.expect_err("there is none");
    assert!(matches!(error, Error::NoGateway), "{error}");
}

#[tokio::test]
async fn a_handler_that_could_not_publish_says_so_without_internals() {
    let log = RunningLog::start();
    let options = Serve { publish_timeout: Duration::from_millis(200), ..through(&[&log]) };
    let (_running, client) = ordering(options).await;
    log.plan([Plan::Refuse(Code::PermissionDenied, "secret words")]);
    let told = error(call(&client, tool(1, "order", "")).await);
    assert_eq!((told.code, &*told.message), (4003, "the backend failed"));
    drop(log);
    let told = error(call(&client, tool(2, "order", "")).await);
    assert_eq!(told.code, u32::from(ErrorCode::BackendUnavailable.as_u16()), "{told:?}");
    assert!(!told.message.contains("127.0.0.1"), "{told:?}");
    assert!(Failure::from(Error::NoGateway).code == ErrorCode::Internal);
}
