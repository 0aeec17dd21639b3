//! Calls that outlive their request: asked for at whichever pod, cancelled from any, and told honestly when a pod dies.

use serde_json::{Value, json};
use tests::{Counter, Endpoints, Gateway, Http, Pods, Session, Tools, until};

use crate::{process, stranger};

const ASYNC: (&str, &str) = ("Prefer", "respond-async");

/// Hands a call over; the path at which it is found, below `/api/v1`.
fn handed_over(http: &mut Http, tool: &str, args: &Value) -> String {
    let body = json!({"arguments": args}).to_string();
    let answer = http.ask("POST", &format!("/tools/{tool}/execute"), &[ASYNC], Some(&body));
    assert_eq!(answer.status, 202, "{answer:?} {}", answer.text());
    assert_eq!(answer.header("Preference-Applied"), Some("respond-async"));
    let location = answer.header("Location").expect("a place").to_owned();
    let body = answer.json();
    assert_eq!(body["status"], "running", "{body}");
    assert_eq!(location, format!("/api/v1/calls/{}", body["id"].as_str().expect("an id")));
    location.strip_prefix("/api/v1").expect("a path of the API").to_owned()
}

/// Waits until the call has ended; what is told of it.
fn ended(http: &mut Http, path: &str) -> Value {
    until("the end of the call", || {
        let answer = http.get(path);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let state = answer.json();
        (state["status"] != "running").then_some(state)
    })
}

#[test]
fn a_call_is_handed_over_and_asked_for_later() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let mut http = Http::knowing(&gateway, "count.once");
    let path = handed_over(&mut http, "count.once", &json!({"key": "k", "held": true}));
    let running = http.get(&path);
    assert_eq!((running.status, &running.json()["status"]), (200, &json!("running")));
    assert_eq!(running.header("Retry-After"), Some("1"));
    // It needs nobody.
    drop(http);
    counter.await_executed("k", 1);
    counter.let_go();
    let mut http = Http::knowing(&gateway, "count.once");
    let done = ended(&mut http, &path);
    assert_eq!((&done["status"], &done["result"]), (&json!("done"), &json!({"key": "k", "executed": 1})));
    http.ask("DELETE", &path, &[], None).problem(409, 4011);
    // Nobody else has it.
    Http::with_token(&gateway, &stranger(&gateway.keys)).get(&path).problem(404, 4010);
    for unknown in ["/calls/nothing", "/calls/01a204f6-03c8-74fc-b31e-452765a423b4"] {
        http.get(unknown).problem(404, 4010);
        http.ask("DELETE", unknown, &[], None).problem(404, 4010);
    }
    // What fails is told as the problem that it is.
    let path = handed_over(&mut http, "count.once", &json!({}));
    let failed = ended(&mut http, &path);
    assert_eq!((&failed["status"], &failed["problem"]["code"]), (&json!("failed"), &json!(4005)));
    assert_eq!(failed["problem"]["status"], 400);
}

#[test]
fn a_call_is_cancelled_while_it_runs() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    session.subscribe(&["tool.*"]);
    let mut http = Http::knowing(&gateway, "count.once");
    let path = handed_over(&mut http, "count.once", &json!({"key": "k", "held": true}));
    counter.await_executed("k", 1);
    assert_eq!(http.ask("DELETE", &path, &[], None).status, 204);
    let failed = ended(&mut http, &path);
    assert_eq!(failed["problem"]["code"], 4008, "{failed}");
    let (_, name, data) = session.event();
    assert_eq!((&*name, &data["code"]), ("tool.failed", &json!(4008)));
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn as_many_calls_of_an_agent_run_as_may_and_no_more() {
    let counter = Counter::new();
    let gateway = Gateway::with(|config| {
        config.runtime.shards = 1;
        config.websocket.max_in_flight = 2;
    });
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let mut http = Http::knowing(&gateway, "count.once");
    for key in ["a", "b"] {
        handed_over(&mut http, "count.once", &json!({"key": key, "held": true}));
    }
    let body = json!({"arguments": {"key": "c"}}).to_string();
    let refused = http.ask("POST", "/tools/count.once/execute", &[ASYNC], Some(&body));
    refused.problem(429, 4014);
    assert_eq!(refused.header("Retry-After"), Some("1"));
    // Another agent is not kept from it.
    let mut other = Http::with_token(&gateway, &stranger(&gateway.keys));
    handed_over(&mut other, "count.once", &json!({"key": "d"}));
    counter.let_go();
    gateway.await_metric("backend_calls_in_flight", 0.0);
    handed_over(&mut http, "count.once", &json!({"key": "c"}));
    counter.await_executed("c", 1);
}

#[test]
fn a_call_is_asked_for_and_cancelled_at_another_pod() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (first, second) = (pods.pod(), pods.pod());
    let _tools = Tools::serve(counter.backend(), &first);
    first.connect().await_tool("count.once");
    let (mut http, mut other) = (Http::knowing(&first, "count.once"), Http::knowing(&second, "count.once"));
    let path = handed_over(&mut http, "count.once", &json!({"key": "a", "held": true}));
    counter.await_executed("a", 1);
    assert_eq!(other.get(&path).json()["status"], "running");
    let cancelled = handed_over(&mut http, "count.once", &json!({"key": "b", "held": true}));
    counter.await_executed("b", 1);
    assert_eq!(other.ask("DELETE", &cancelled, &[], None).status, 204);
    assert_eq!(ended(&mut other, &cancelled)["problem"]["code"], 4008);
    counter.let_go();
    assert_eq!(ended(&mut other, &path)["result"], json!({"key": "a", "executed": 1}));
}

/// A call at a pod that then dies; its path, and what another pod tells of it.
fn orphaned(tool: &str) -> Value {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (first, second) = (process(&pods), pods.pod());
    let _tools = Tools::serve(counter.backend(), &first);
    let endpoints: &Endpoints = &first;
    endpoints.connect().await_tool(tool);
    let mut http = Http::knowing(endpoints, tool);
    let path = handed_over(&mut http, tool, &json!({"key": "k", "held": true}));
    counter.await_executed("k", 1);
    drop(first);
    let state = ended(&mut Http::open(&second), &path);
    assert_eq!(counter.executed("k"), 1);
    state
}

#[test]
fn a_call_whose_pod_died_is_told_as_unknown() {
    let state = orphaned("count.once");
    assert_eq!((&state["status"], &state["problem"]["code"]), (&json!("failed"), &json!(4006)), "{state}");
    assert_eq!(state["problem"]["details"], Value::Null, "{state}");
}

#[test]
fn a_call_that_may_be_repeated_is_told_so() {
    let state = orphaned("count.again");
    assert_eq!((&state["status"], &state["problem"]["code"]), (&json!("failed"), &json!(4006)), "{state}");
    assert_eq!(state["problem"]["details"], json!({"repeatable": true}), "{state}");
}
