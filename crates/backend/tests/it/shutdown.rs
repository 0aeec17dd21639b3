//! How a backend stops: with grace, or at once.
use std::time::Duration;

use backend::{Backend, Call, ErrorCode, Failure, Serve, Tool};
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::harness::{Calls, check_code, result, serve, serve_with, soon, tool};

/// A tool that ends when it is let go.
fn holding() -> (Backend, watch::Sender<bool>) {
    let (let_go, held) = watch::channel(false);
    let hold = Tool::new("hold", move |call: Call, _: Value| {
        let mut held = held.clone();
        async move {
            call.progress(0.0, None, "started").await;
            held.wait_for(|go| *go).await.map_err(Failure::internal)?;
            Ok("held")
        }
    });
    (Backend::new("holding").tool(hold), let_go)
}

#[tokio::test]
async fn a_shutdown_lets_running_calls_end_and_takes_no_new_ones() {
    let (backend, let_go) = holding();
    let (running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "hold", "")).await;
    assert_eq!(calls.next().await.0, 1);
    let mut stopping = JoinSet::new();
    stopping.spawn(running.shutdown());
    // Calls are taken until the shutdown has got to the streams.
    let refused = loop {
        calls.send(tool(2, "none", "")).await;
        match calls.next().await {
            (2, protocol::pb::call_event::Event::Error(error)) if error.code == 4010 => {}
            (_, event) => break event,
        }
    };
    check_code(refused, ErrorCode::BackendUnavailable);
    let_go.send_replace(true);
    assert_eq!(result(calls.next().await.1), "\"held\"");
    assert_eq!(calls.next_or_end().await, None);
    soon(stopping.join_next()).await.expect("it was started").expect("it did not panic");
}

#[tokio::test]
async fn a_shutdown_of_an_idle_backend_waits_for_nobody() {
    let (backend, _let_go) = holding();
    let (running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    let ended = tokio::time::timeout(Duration::from_secs(5), running.shutdown()).await;
    assert!(ended.is_ok(), "an open stream without calls holds nothing up");
    assert_eq!(calls.next_or_end().await, None);
}

#[tokio::test]
async fn calls_that_outlast_the_drain_timeout_are_dropped() {
    let (backend, _let_go) = holding();
    let options = Serve { drain_timeout: Duration::from_millis(50), ..Serve::default() };
    let (running, client) = serve_with(backend, options).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "hold", "")).await;
    assert_eq!(calls.next().await.0, 1);
    soon(running.shutdown()).await;
    assert!(soon(calls.broken()).await, "the connection is gone");
}

#[tokio::test]
async fn a_dropped_handle_stops_at_once() {
    let (tell, mut told) = mpsc::unbounded_channel::<()>();
    let backend = Backend::new("dropping").tool(Tool::new("hold", move |call: Call, _: Value| {
        let tell = tell.clone();
        async move {
            call.progress(0.0, None, "started").await;
            std::future::pending::<()>().await;
            drop(tell);
            Ok(())
        }
    }));
    let (running, client) = serve(backend).await;
    let address = running.local_addr();
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "hold", "")).await;
    assert_eq!(calls.next().await.0, 1);
    drop(running);
    assert!(soon(calls.broken()).await, "the connection is gone");
    assert_eq!(soon(told.recv()).await, None, "handlers are dropped, and the backend with them");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn health_tells_when_a_shutdown_starts() {
    let (backend, let_go) = holding();
    let (running, client) = serve(backend).await;
    let mut calls = Calls::open(&client).await;
    calls.send(tool(1, "hold", "")).await;
    assert_eq!(calls.next().await.0, 1);

    let address = format!("http://{}", running.local_addr());
    let channel =
        Endpoint::from_shared(address).expect("an address").connect().await.expect("it can be dialled");
    let mut health = HealthClient::new(channel);
    let mut watches = Vec::new();
    for service in ["", "mcpw.v1.Backend"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let checked = health.check(request.clone()).await.expect("health answers").into_inner();
        assert_eq!(checked.status(), ServingStatus::Serving);
        let mut watch = health.watch(request).await.expect("health can be watched").into_inner();
        let first = soon(watch.message()).await.expect("the watch is sound").expect("the watch goes on");
        assert_eq!(first.status(), ServingStatus::Serving);
        watches.push(watch);
    }
    let mut stopping = JoinSet::new();
    stopping.spawn(running.shutdown());
    for watch in &mut watches {
        let next = soon(watch.message()).await.expect("the watch is sound").expect("the watch goes on");
        assert_eq!(next.status(), ServingStatus::NotServing);
    }
    let_go.send_replace(true);
    assert_eq!(result(calls.next().await.1), "\"held\"");
    soon(stopping.join_next()).await.expect("it was started").expect("it did not panic");
}

#[tokio::test]
async fn a_backend_that_runs_is_waited_for() {
    let (backend, _let_go) = holding();
    let (mut running, _client) = serve(backend).await;
    let ended = tokio::time::timeout(Duration::from_millis(50), running.wait()).await;
    assert!(ended.is_err(), "it only ends by itself on an error");
    soon(running.shutdown()).await;
}
