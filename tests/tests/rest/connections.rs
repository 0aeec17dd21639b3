//! HTTP/1.1 as such: connections that are kept, requests that come together, and the end of a pod.

use serde_json::json;
use tests::{Counter, Gateway, Http, Tools};

#[test]
fn requests_on_one_connection_are_answered_in_their_order() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("sleep");
    let mut http = Http::knowing(&gateway, "sleep");
    http.send("POST", "/tools/sleep/execute", &[], Some(&json!({"arguments": {"ms": 200}}).to_string()));
    for n in [1, 2] {
        http.send("POST", "/tools/echo/execute", &[], Some(&json!({"arguments": {"n": n}}).to_string()));
    }
    http.send("HEAD", "/tools/sleep", &[], None);
    http.send("GET", "/tools/nothing", &[], None);
    assert!(http.response().json()["result"]["slept_ms"].is_u64());
    for n in [1, 2] {
        assert_eq!(http.response().json()["result"], json!({"n": n}));
    }
    let head = http.socket().head();
    assert_eq!(head.status, 200);
    assert!(head.header("Content-Length").is_some_and(|length| length != "0"), "{head:?}");
    http.response().problem(404, 4010);
}

#[test]
fn a_connection_for_rest_is_none_for_a_websocket() {
    let gateway = Gateway::start();
    let mut http = Http::open(&gateway);
    assert_eq!(http.get("/tools").status, 200);
    http.bytes(&gateway.upgrade().bytes());
    http.response().problem(404, 4004);
    // And what is no path of the API is still told of the endpoint.
    let answer = gateway.ask(&gateway.upgrade().line("GET /apix HTTP/1.1"));
    assert!(answer.error().contains("/ws"));
}

#[test]
fn requests_are_counted_by_route_and_class() {
    let gateway = Gateway::start();
    let mut http = Http::open(&gateway);
    for path in ["/tools", "/tools?prefix=a", "/tools/a", "/tools/b", "/nothing", "/more", "/openapi.json"] {
        http.get(path);
    }
    let metrics = gateway.metrics();
    for (route, status, count) in [
        ("tools", "2xx", 2.0),
        ("tool", "4xx", 2.0),
        ("unknown", "4xx", 2.0),
        ("openapi", "2xx", 1.0),
        ("tools", "4xx", 0.0),
    ] {
        let series = format!("http_requests_total{{route=\"{route}\",status=\"{status}\"}}");
        assert_eq!(metrics.count(&series), count, "{series}");
    }
    assert_eq!(metrics.value("http_connections_total"), 1.0);
    assert_eq!(metrics.value("http_connections_active"), 1.0);
    assert_eq!(metrics.value("websocket_connections_total"), 0.0);
}

#[test]
fn a_drain_lets_requests_end_and_closes_the_rest() {
    let counter = Counter::new();
    let mut gateway = Gateway::start();
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let (mut idle, mut busy, mut poll, mut stream) = (
        Http::knowing(&gateway, "count.once"),
        Http::knowing(&gateway, "count.once"),
        Http::knowing(&gateway, "count.once"),
        Http::knowing(&gateway, "count.once"),
    );
    assert_eq!(idle.get("/tools").status, 200);
    let body = json!({"arguments": {"key": "k", "held": true}}).to_string();
    busy.send("POST", "/tools/count.once/execute", &[], Some(&body));
    poll.send("GET", "/events?wait_ms=60000", &[], None);
    stream.open_stream("GET", "/events", &[], None);
    counter.await_executed("k", 1);
    gateway.await_metric("http_connections_active", 4.0);
    gateway.drain();
    idle.socket().await_end("the end of an idle connection");
    let answer = poll.response();
    assert_eq!((answer.status, answer.header("Connection")), (200, Some("close")));
    assert_eq!(answer.json()["events"], json!([]));
    poll.socket().await_end("the end of the connection");
    stream.stream_ended();
    stream.socket().await_end("the end of the connection");
    counter.let_go();
    let answer = busy.response();
    assert_eq!((answer.status, answer.json()["result"]["executed"].as_u64()), (200, Some(1)));
    // Perhaps before its connection's turn to be told had come.
    busy.socket().await_end("the end of the connection");
    gateway.await_end();
}
