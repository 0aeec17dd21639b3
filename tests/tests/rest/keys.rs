//! `Idempotency-Key`: the same request is done once, however often and wherever it is sent.

use serde_json::{Value, json};
use std::time::Duration;
use tests::{Counter, Endpoints, Gateway, Http, Pods, Response, Session, Tools, until};

use crate::{process, stranger};

fn key(key: &str) -> (&'static str, &str) {
    ("Idempotency-Key", key)
}

fn send(http: &mut Http, tool: &str, name: &str, args: &Value) {
    let body = json!({"arguments": args}).to_string();
    http.send("POST", &format!("/tools/{tool}/execute"), &[key(name)], Some(&body));
}

fn execute(http: &mut Http, tool: &str, name: &str, args: &Value) -> Response {
    send(http, tool, name, args);
    http.response()
}

#[track_caller]
fn check(answer: &Response, executed: u64, is_repeated: bool) {
    assert_eq!(
        (answer.status, &answer.json()["result"]["executed"]),
        (200, &json!(executed)),
        "{}",
        answer.text()
    );
    assert_eq!(answer.header("Idempotency-Replayed"), is_repeated.then_some("true"), "{answer:?}");
}

#[test]
fn a_key_is_executed_once() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let mut http = Http::knowing(&gateway, "count.once");
    let args = json!({"key": "a"});
    check(&execute(&mut http, "count.once", "first", &args), 1, false);
    check(&execute(&mut http, "count.once", "first", &args), 1, true);
    // As a stream, and later, it is the same call.
    let body = json!({"arguments": args}).to_string();
    http.open_stream("POST", "/tools/count.once/execute", &[key("first")], Some(&body));
    assert_eq!(http.event().json()["executed"], 1);
    http.stream_ended();
    let later = http.ask(
        "POST",
        "/tools/count.once/execute",
        &[key("first"), ("Prefer", "respond-async")],
        Some(&body),
    );
    let path = later.header("Location").expect("a place").replace("/api/v1", "");
    assert_eq!(http.get(&path).json()["result"]["executed"], 1);
    // Another body, or another tool, is another request.
    for (tool, args) in [("count.once", json!({"key": "b"})), ("count.again", args.clone())] {
        execute(&mut http, tool, "first", &args).problem(422, 4011);
    }
    // Another key, and another holder's same one, are others.
    check(&execute(&mut http, "count.once", "second", &args), 2, false);
    let mut other = Http::with_token(&gateway, &stranger(&gateway.keys));
    check(&execute(&mut other, "count.once", "first", &args), 3, false);
    // What failed is told again, too.
    for repeated in [None, Some("true")] {
        let answer = execute(&mut http, "count.once", "wrong", &json!({}));
        answer.problem(400, 4005);
        assert_eq!(answer.header("Idempotency-Replayed"), repeated);
    }
    execute(&mut http, "count.once", &"k".repeat(255), &args);
    execute(&mut http, "count.once", &"k".repeat(256), &args).problem(400, 4000);
    execute(&mut http, "count.once", "", &args).problem(400, 4000);
}

#[test]
fn a_key_waits_for_the_call_that_runs() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let args = json!({"key": "a", "held": true});
    let mut all: Vec<Http> = (0..8).map(|_| Http::knowing(&gateway, "count.once")).collect();
    send(&mut all[0], "count.once", "k", &args);
    counter.await_executed("a", 1);
    for http in &mut all[1..] {
        send(http, "count.once", "k", &args);
    }
    // Who asked first goes; the call goes on.
    all.remove(0);
    gateway.await_metric("http_connections_active", 7.0);
    counter.let_go();
    for http in &mut all {
        check(&http.response(), 1, true);
    }
    assert_eq!(counter.executed("a"), 1);
}

#[test]
fn a_cancelled_call_is_told_to_all_who_wait() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let args = json!({"key": "a", "held": true});
    let (mut first, mut second, mut third) = (
        Http::knowing(&gateway, "count.once"),
        Http::knowing(&gateway, "count.once"),
        Http::knowing(&gateway, "count.once"),
    );
    send(&mut first, "count.once", "k", &args);
    counter.await_executed("a", 1);
    send(&mut second, "count.once", "k", &args);
    let body = json!({"arguments": args}).to_string();
    let handed =
        third.ask("POST", "/tools/count.once/execute", &[key("k"), ("Prefer", "respond-async")], Some(&body));
    let path = handed.header("Location").expect("a place").replace("/api/v1", "");
    assert_eq!(third.ask("DELETE", &path, &[], None).status, 204);
    first.response().problem(409, 4008);
    second.response().problem(409, 4008);
}

#[test]
fn a_key_counts_at_every_pod() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (first, second) = (pods.pod(), pods.pod());
    let _tools = Tools::serve(counter.backend(), &first);
    second.connect().await_tool("count.once");
    first.connect().await_tool("count.once");
    let (mut here, mut there) = (Http::knowing(&first, "count.once"), Http::knowing(&second, "count.once"));
    let args = json!({"key": "a", "held": true});
    send(&mut here, "count.once", "k", &args);
    counter.await_executed("a", 1);
    send(&mut there, "count.once", "k", &args);
    Http::knowing(&second, "count.once")
        .ask("POST", "/tools/count.once/execute", &[key("k")], Some("{}"))
        .problem(422, 4011);
    counter.let_go();
    check(&here.response(), 1, false);
    check(&there.response(), 1, true);
    check(&execute(&mut there, "count.once", "k", &args), 1, true);
    assert_eq!(counter.executed("a"), 1);
}

/// A call by key at a pod that dies, sent again to another one; its answer, and how often it was executed.
fn after_a_death(tool: &str) -> (Response, usize) {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (first, second) = (process(&pods), pods.pod());
    let endpoints: &Endpoints = &first;
    let tools = Tools::serve(counter.backend(), endpoints);
    second.connect().await_tool(tool);
    endpoints.connect().await_tool(tool);
    let args = json!({"key": "a", "held": true});
    let mut here = Http::knowing(endpoints, tool);
    send(&mut here, tool, "k", &args);
    counter.await_executed("a", 1);
    let mut there = Http::knowing(&second, tool);
    send(&mut there, tool, "k", &args);
    drop(first);
    // It was registered at the pod that died.
    drop(tools);
    let _tools = Tools::serve(counter.backend(), &second);
    counter.let_go();
    (there.response(), counter.executed("a"))
}

#[test]
fn a_key_whose_pod_died_is_told_as_unknown() {
    let (answer, executed) = after_a_death("count.once");
    answer.problem(500, 4006);
    assert_eq!(executed, 1);
}

#[test]
fn a_key_whose_pod_died_is_executed_anew_where_it_may_be() {
    let (answer, executed) = after_a_death("count.again");
    check(&answer, 2, true);
    assert_eq!(executed, 2);
}

#[test]
fn who_asks_how_a_call_stands_takes_it_from_nobody_who_sends_its_key_again() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (first, second) = (process(&pods), pods.pod());
    let _tools = Tools::serve(counter.backend().remember(Duration::from_secs(60)), &second);
    let endpoints: &Endpoints = &first;
    endpoints.connect().await_tool("count.once");
    let mut here = Http::knowing(endpoints, "count.once");
    let args = json!({"key": "a", "held": true});
    let body = json!({"arguments": args}).to_string();
    let headers = [key("k"), ("Prefer", "respond-async")];
    let later = here.ask("POST", "/tools/count.once/execute", &headers, Some(&body));
    let path = later.header("Location").expect("a place").replace("/api/v1", "");
    counter.await_executed("a", 1);
    drop(first);
    let mut there = Http::knowing(&second, "count.once");
    until("its pod to be known as dead", || (there.get(&path).json()["status"] == "failed").then_some(()));
    send(&mut there, "count.once", "k", &args);
    counter.let_go();
    check(&there.response(), 1, true);
    until("its end to be written down", || (there.get(&path).json()["status"] == "done").then_some(()));
    assert_eq!(counter.executed("a"), 1);
}

#[test]
fn nothing_is_executed_by_key_while_no_store_keeps_it() {
    let (mut pods, counter) = (Pods::new(), Counter::new());
    let gateway = pods.pod();
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    pods.redis.kill();
    gateway.await_metric("store_up", 0.0);
    let mut http = Http::knowing(&gateway, "count.once");
    let answer = execute(&mut http, "count.once", "k", &json!({"key": "a"}));
    let detail = answer.problem(503, 4009);
    assert!(detail.contains("nothing was done"), "{detail}");
    assert_eq!(answer.header("Retry-After"), Some("1"));
    assert_eq!(counter.executed("a"), 0);
    // Without one it is.
    let answer = http.post("/tools/count.once/execute", &json!({"arguments": {"key": "a"}}));
    check(&answer, 1, false);
}

#[test]
fn a_context_is_made_once_and_an_event_is_published_once() {
    let gateway = Gateway::start();
    let _contexts = crate::contexts(&gateway);
    let mut session = Session::open(&gateway);
    session.subscribe(&["a"]);
    let mut http = Http::open(&gateway);
    until("the contexts", || (http.get("/contexts").status == 200).then_some(()));
    let body = json!({"content": "text"}).to_string();
    let first = http.ask("POST", "/contexts", &[key("c")], Some(&body));
    let second = http.ask("POST", "/contexts", &[key("c")], Some(&body));
    assert_eq!((first.status, second.status, first.text()), (201, 201, second.text()));
    assert_eq!(first.header("Location"), second.header("Location"));
    assert_eq!(second.header("Idempotency-Replayed"), Some("true"));
    assert_eq!(http.get("/contexts").json()["contexts"].as_array().map(Vec::len), Some(1));

    let body = json!({"name": "a", "data": 1}).to_string();
    let first = http.ask("POST", "/events", &[key("e")], Some(&body));
    let second = http.ask("POST", "/events", &[key("e")], Some(&body));
    assert_eq!((first.status, second.status, first.text()), (201, 201, second.text()));
    http.ask("POST", "/events", &[key("e")], Some(&json!({"name": "a", "data": 2}).to_string()))
        .problem(422, 4011);
    assert_eq!(session.event().2, json!(1));
    session.publish("a", &json!(3));
    assert_eq!(session.event().2, json!(3));
}
