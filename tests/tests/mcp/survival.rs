//! Calls of the Rust client while pods are killed under them: with a session, and with a key.

use crate::Peer;
use client::{Client, Update};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Counter, Endpoints, Pods, Process, Tools};

/// A gateway in a process of its own, which can be killed.
fn process(pods: &Pods) -> Process {
    pods.process(env!("CARGO_BIN_EXE_mcpw-under-test"))
}

/// A client of these pods, the first of which it goes to first.
fn client(pods: &[&Endpoints]) -> client::Builder {
    let url = |pod: &Endpoints| format!("ws://{}/mcp", pod.clients);
    let first = Client::builder(url(pods[0])).token(pods[0].keys.token());
    pods[1..].iter().fold(first, |builder, pod| builder.endpoint(url(pod)))
}

fn held(tool: &str, key: &str) -> Value {
    json!({"name": tool, "arguments": {"key": key, "held": true}})
}

fn structured(result: &serde_json::value::RawValue) -> Value {
    let result: Value = serde_json::from_str(result.get()).expect("it is JSON");
    result["structuredContent"].clone()
}

/// The backend of a counter, which remembers the calls of gateways that die, registered at this pod.
fn remembering(counter: &Counter, pod: &Endpoints) -> Tools {
    Tools::serve(counter.backend().remember(Duration::from_secs(60)), pod)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legacy_call_survives_the_death_of_its_pod_and_is_executed_once() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (doomed, other) = (process(&pods), process(&pods));
    let _tools = remembering(&counter, &other);
    Peer::modern(&doomed).await_tool("count.once");
    let client = client(&[&doomed, &other]).mcp().connect().await.expect("a session");
    let session = client.session().session_id.clone();
    let call = client.call("tools/call", held("count.once", "a")).await.expect("it is sent");
    counter.await_executed("a", 1);
    doomed.end();
    let (result, ()) = tokio::join!(call.result(), async {
        // The other pod has the session, and has asked the backend for the call, or will.
        let mut states = client.states();
        while !matches!(states.next().await, Some(client::State::Connected { resumed: true, .. })) {}
        counter.let_go();
    });
    assert_eq!(structured(&result.expect("a result")), json!({"key": "a", "executed": 1}));
    assert_eq!(client.session().session_id, session);
    assert_eq!(counter.executed("a"), 1);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modern_call_survives_the_death_of_its_pod_and_is_executed_once() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (doomed, other) = (process(&pods), process(&pods));
    let _tools = remembering(&counter, &other);
    Peer::modern(&doomed).await_tool("count.once");
    let client = client(&[&doomed, &other]).mcp().modern().connect().await.expect("a connection");
    let call = client.call("tools/call", held("count.once", "a")).await.expect("it is sent");
    counter.await_executed("a", 1);
    doomed.end();
    // It ends while no pod waits for it.
    counter.let_go();
    let result = call.result().await.expect("a result");
    assert_eq!(structured(&result), json!({"key": "a", "executed": 1}));
    assert_eq!(counter.executed("a"), 1);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_backend_that_remembers_nothing_is_executed_anew_where_it_may_be_and_else_told_as_unknown()
 {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (doomed, other) = (process(&pods), process(&pods));
    let _tools = Tools::serve(counter.backend(), &other);
    Peer::modern(&doomed).await_tool("count.once");
    let client = client(&[&doomed, &other]).mcp().connect().await.expect("a session");
    let once = client.call("tools/call", held("count.once", "once")).await.expect("it is sent");
    let again = client.call("tools/call", held("count.again", "again")).await.expect("it is sent");
    counter.await_executed("once", 1);
    counter.await_executed("again", 1);
    doomed.end();
    let unknown = once.result().await;
    assert!(matches!(unknown, Err(client::Error::Rpc { code: 4006, .. })), "{unknown:?}");
    counter.await_executed("again", 2);
    counter.let_go();
    assert_eq!(structured(&again.result().await.expect("a result"))["executed"], 2);
    assert_eq!(counter.executed("once"), 1);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_runs_at_another_pod_than_its_clients_survives_its_clients() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (leaving, doomed, last) = (process(&pods), process(&pods), process(&pods));
    let _tools = Tools::serve(counter.backend(), &last);
    Peer::modern(&leaving).await_tool("count.once");
    let client = client(&[&leaving, &doomed, &last]).mcp().connect().await.expect("a session");
    let call = client.call("tools/call", held("count.once", "a")).await.expect("it is sent");
    counter.await_executed("a", 1);
    let mut states = client.states();
    leaving.terminate();
    while !matches!(states.next().await, Some(client::State::Connected { connection: 2, resumed: true, .. }))
    {
    }
    doomed.end();
    while !matches!(states.next().await, Some(client::State::Connected { connection: 3, resumed: true, .. }))
    {
    }
    counter.let_go();
    assert_eq!(structured(&call.result().await.expect("a result")), json!({"key": "a", "executed": 1}));
    assert_eq!(counter.executed("a"), 1);
    client.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_of_progress_cancels_and_closes_its_session() {
    let pods = Pods::new();
    let pod = pods.pod();
    let _tools = Tools::at(&pod);
    Peer::modern(&pod).await_tool("sleep");
    for is_modern in [false, true] {
        let builder = client(&[&pod]).mcp();
        let builder = if is_modern { builder.modern() } else { builder };
        let client = builder.connect().await.expect("a connection");
        let nap = json!({"name": "sleep", "arguments": {"ms": 60_000}});
        let mut call = client.call("tools/call", nap).await.expect("it is sent");
        assert!(matches!(call.next().await, Some(Update::Progress(_))));
        assert!(call.cancel().await.expect("it runs"));
        pod.await_metric("backend_calls_in_flight", 0.0);
        let session = client.session().session_id.clone();
        client.close().await;
        assert_eq!(session.is_empty(), is_modern);
        if !is_modern {
            tests::until("the session to be gone from the store", || {
                let found = pods.redis.ask(&format!("KEYS *:s:*{session}*"));
                found.is_some_and(|found| found.starts_with("*0")).then_some(())
            });
        }
    }
}
