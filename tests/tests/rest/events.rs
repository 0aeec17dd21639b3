//! Events by long poll and as a stream: none is lost between two requests, and a gap is told.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Gateway, Http, Pods, Session};

use crate::stranger;

/// The query that goes on behind an answer.
fn behind(answer: &Value) -> String {
    let epoch = answer["log_epoch"].as_str().expect("an epoch");
    format!("after={}&epoch={epoch}", answer["last_offset"])
}

fn data(answer: &Value) -> Vec<Value> {
    answer["events"].as_array().expect("events").iter().map(|event| event["data"].clone()).collect()
}

#[test]
fn a_long_poll_waits_for_the_first_event() {
    let gateway = Gateway::start();
    let (mut http, mut session) = (Http::open(&gateway), Session::open(&gateway));
    let now = http.get("/events").json();
    assert_eq!((&now["events"], &now["gap"], &now["last_offset"]), (&json!([]), &json!(false), &json!(0)));
    let asked = Instant::now();
    let late = http.get(&format!("/events?{}&wait_ms=100", behind(&now))).json();
    assert!(asked.elapsed() >= Duration::from_millis(100), "{:?}", asked.elapsed());
    assert_eq!(late, now);
    http.send("GET", &format!("/events?{}&wait_ms=60000&names=a.*", behind(&now)), &[], None);
    session.publish("b", &json!(0));
    session.publish("a.x", &json!({"n": 1}));
    let answer = http.response().json();
    let expected = json!([{"offset": 2, "name": "a.x", "data": {"n": 1}}]);
    assert_eq!((&answer["events"], &answer["last_offset"]), (&expected, &json!(2)));
    // What was published while nobody asked is not lost.
    for n in 2..5 {
        session.publish("a.x", &json!(n));
    }
    let mut answer = answer;
    let mut found = Vec::new();
    while found.len() < 3 {
        answer = http.get(&format!("/events?{}&wait_ms=5000&names=a.x,c", behind(&answer))).json();
        found.extend(data(&answer));
    }
    assert_eq!(found, [json!(2), json!(3), json!(4)]);
    // The beginning is asked for like any other place.
    let all =
        http.get(&format!("/events?after=0&epoch={}", now["log_epoch"].as_str().expect("an epoch"))).json();
    assert_eq!(data(&all), [json!(0), json!({"n": 1}), json!(2), json!(3), json!(4)]);
    // Another tenant has another log.
    let mut other = Http::with_token(&gateway, &stranger(&gateway.keys));
    let theirs = other.get("/events").json();
    assert_eq!((&theirs["last_offset"], &theirs["events"]), (&json!(0), &json!([])));
    let foreign =
        other.get(&format!("/events?after=0&epoch={}", now["log_epoch"].as_str().expect("an epoch"))).json();
    assert_eq!((&foreign["events"], &foreign["gap"]), (&json!([]), &json!(true)));
}

#[test]
fn what_can_not_be_asked_is_refused() {
    let gateway = Gateway::with(|config| {
        config.rest.max_wait_ms = 1_000;
        config.events.max_subscriptions = 2;
    });
    let mut http = Http::open(&gateway);
    for query in [
        "after=1",
        "epoch=0123456789abcdef",
        "after=x&epoch=0123456789abcdef",
        "after=-1&epoch=0123456789abcdef",
        "after=1&epoch=1",
        "after=1&epoch=%2B123456789abcdef",
        "wait_ms=1001",
        "wait_ms=",
        "names=",
        "names=a*",
        "names=a,b,c",
    ] {
        http.get(&format!("/events?{query}")).problem(400, 4005);
    }
    for query in ["wait_ms=0", "names=a,b", "names=a.*", "unknown=1"] {
        assert_eq!(http.get(&format!("/events?{query}")).status, 200, "{query}");
    }
    for (body, status, code) in [
        (json!({"data": 1}), 400, 4005),
        (json!({"name": "a*"}), 400, 4005),
        (json!({"name": "a".repeat(129)}), 400, 4005),
        (json!({"name": "tool.executed"}), 403, 4013),
        (json!({"name": "a", "data": "x".repeat(262_143)}), 413, 4012),
    ] {
        http.post("/events", &body).problem(status, code);
    }
    let most = json!({"name": "a".repeat(128), "data": "x".repeat(262_142)});
    assert_eq!(http.post("/events", &most).status, 201);
}

#[test]
fn a_stream_goes_on_where_the_last_one_ended() {
    let gateway = Gateway::start();
    let mut http = Http::open(&gateway);
    http.open_stream("GET", "/events?names=a.*", &[], None);
    let start = http.sent();
    assert!(start.id.ends_with(":0"), "{start:?}");
    let mut publisher = Http::open(&gateway);
    let mut publish = |name: &str, data: Value| {
        let answer = publisher.post("/events", &json!({"name": name, "data": data}));
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    assert_eq!(publish("a.one", json!(1))["offset"], 1);
    publish("b", json!("\n"));
    publish("a.two", json!(2));
    let first = http.event();
    assert_eq!((&*first.kind, first.json()), ("message", json!({"offset": 1, "name": "a.one", "data": 1})));
    let second = http.event();
    assert_eq!(second.json()["data"], 2);
    drop(http);
    for n in 3..200 {
        publish("a.two", json!(n));
    }
    let mut http = Http::open(&gateway);
    // The URL is the one that the client had; its own place goes before.
    http.open_stream("GET", "/events?names=a.*", &[("Last-Event-ID", &first.id)], None);
    for n in 2..200 {
        assert_eq!(http.event().json()["data"], n);
    }
    publish("a.two", json!(200));
    assert_eq!(http.event().json()["data"], 200);
    for wrong in ["", "x", "0123456789abcdef", "0123456789abcdef:x", "x:1"] {
        let headers = [("Last-Event-ID", wrong), ("Accept", "text/event-stream")];
        Http::open(&gateway).ask("GET", "/events", &headers, None).problem(400, 4005);
    }
}

#[test]
fn a_stream_goes_on_at_another_pod() {
    let pods = Pods::new();
    let (first, second) = (pods.pod(), pods.pod());
    let mut http = Http::open(&first);
    http.open_stream("GET", "/events", &[], None);
    http.sent();
    let mut publisher = Http::open(&second);
    publisher.post("/events", &json!({"name": "a", "data": 1}));
    let sent = http.event();
    assert_eq!(sent.json()["data"], 1);
    drop((http, first));
    publisher.post("/events", &json!({"name": "a", "data": 2}));
    publisher.post("/events", &json!({"name": "a", "data": 3}));
    let mut http = Http::open(&second);
    http.open_stream("GET", "/events", &[("Last-Event-ID", &sent.id)], None);
    assert_eq!(
        (http.event().json()["data"].clone(), http.event().json()["data"].clone()),
        (json!(2), json!(3))
    );
}

#[test]
fn a_gap_is_told() {
    let gateway = Gateway::with(|config| config.store.bounds.log_events = 5);
    let mut http = Http::open(&gateway);
    let start = http.get("/events").json();
    let mut session = Session::open(&gateway);
    for n in 1..=10 {
        session.publish("a", &json!(n));
    }
    let answer = http.get(&format!("/events?{}&wait_ms=5000", behind(&start))).json();
    assert_eq!(answer["gap"], true, "{answer}");
    assert_eq!(data(&answer).last(), Some(&json!(10)), "{answer}");
    let whole = http.get(&format!("/events?{}", behind(&answer))).json();
    assert_eq!((&whole["gap"], data(&whole).len()), (&json!(false), 0));
    let id = format!("{}:0", start["log_epoch"].as_str().expect("an epoch"));
    http.open_stream("GET", "/events", &[("Last-Event-ID", &id)], None);
    let gap = http.event();
    assert_eq!(gap.kind, "gap", "{gap:?}");
    assert_eq!(gap.json()["log_epoch"], start["log_epoch"]);
    let next = http.event().json()["offset"].as_u64().expect("an offset");
    assert_eq!(gap.json()["last_offset"].as_u64(), Some(next - 1));
}

#[test]
fn a_stream_ends_with_its_token() {
    let gateway = Gateway::with(|config| {
        config.auth.grace_s = 0;
        config.auth.leeway_s = 0;
        config.websocket.ping_interval_ms = 50;
    });
    let token = gateway.keys.token_for(Duration::from_secs(2));
    let mut http = Http::with_token(&gateway, &token);
    http.open_stream("GET", "/events", &[], None);
    let ended = http.event();
    assert_eq!((&*ended.kind, &ended.json()["code"]), ("error", &json!(4001)));
    http.stream_ended();
}

#[test]
fn a_reader_that_does_not_read_is_dropped_and_costs_no_one_else() {
    let gateway = Gateway::with(|config| config.websocket.write_timeout_ms = 500);
    let mut stuck = Http::open(&gateway);
    stuck.open_stream("GET", "/events", &[], None);
    let mut session = Session::open(&gateway);
    session.subscribe(&["a"]);
    let large = "x".repeat(200_000);
    for n in 0..60 {
        session.publish("a", &json!({"n": n, "large": large}));
        assert_eq!(session.event().2["n"], n);
    }
    gateway.await_metric("http_connections_active", 0.0);
}
