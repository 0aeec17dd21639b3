//! Limits, at and one past.

use serde_json::json;
use std::time::Duration;
use tests::{Gateway, Http, Request, Tools};

#[test]
fn a_body_may_be_as_large_as_a_message_and_no_larger() {
    let gateway = Gateway::with(|config| config.websocket.max_message_size = 1_000);
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("echo");
    let body = |size: usize| {
        let empty = r#"{"arguments":{"text":""}}"#.len();
        format!(r#"{{"arguments":{{"text":"{}"}}}}"#, "x".repeat(size - empty))
    };
    let mut http = Http::knowing(&gateway, "echo");
    assert_eq!(http.ask("POST", "/tools/echo/execute", &[], Some(&body(1_000))).status, 200);
    let answer = http.ask("POST", "/tools/echo/execute", &[], Some(&body(1_001)));
    let detail = answer.problem(413, 4012);
    assert!(detail.contains("1000"), "{detail}");
    assert_eq!(answer.header("Connection"), Some("close"));
    // Without a declared length, too.
    for (size, status) in [(1_000, 200), (1_001, 413)] {
        let mut http = Http::knowing(&gateway, "echo");
        let body = body(size);
        let chunks: String = body
            .as_bytes()
            .chunks(300)
            .map(|chunk| format!("{:x}\r\n{}\r\n", chunk.len(), text(chunk)))
            .collect();
        http.bytes(
            format!(
                "POST /api/v1/tools/echo/execute HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
                 Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n",
                gateway.keys.token()
            )
            .as_bytes(),
        );
        assert_eq!(http.response().status, status, "{size}");
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it is ASCII")
}

#[test]
fn json_may_be_as_deep_as_a_message_and_no_deeper() {
    let gateway = Gateway::with(|config| config.websocket.max_json_depth = 5);
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("echo");
    let mut http = Http::knowing(&gateway, "echo");
    for (depth, status) in [(4, 200), (5, 400)] {
        let body = format!("{{\"arguments\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(http.ask("POST", "/tools/echo/execute", &[], Some(&body)).status, status, "{depth}");
    }
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let gateway = Gateway::with(|config| config.websocket.message_timeout_ms = 100);
    let mut http = Http::open(&gateway);
    http.bytes(
        format!(
            "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             Content-Length: 10\r\n\r\n{{",
            gateway.keys.token()
        )
        .as_bytes(),
    );
    let answer = http.response();
    answer.problem(408, 4000);
    http.socket().await_end("the end of the connection");
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let gateway = Gateway::with(|config| config.websocket.handshake_timeout_ms = 200);
    let mut http = Http::open(&gateway);
    // The first head, and the next one on a connection that is kept, even if nothing of it comes.
    for head in ["", "GET /api"] {
        let mut http = Http::open(&gateway);
        assert_eq!(http.get("/tools").status, 200);
        http.bytes(head.as_bytes());
        http.socket().await_end("the end of the connection");
    }
    http.bytes(b"GET /api");
    http.socket().await_end("the end of the connection");
    gateway.await_metric("http_connections_active", 0.0);
}

#[test]
fn connections_of_both_kinds_count_together() {
    let gateway = Gateway::with(|config| config.websocket.max_connections = 2);
    let _client = gateway.connect();
    let mut first = Http::open(&gateway);
    assert_eq!(first.get("/tools").status, 200);
    let mut second = Http::open(&gateway);
    let answer = second.get("/tools");
    answer.problem(503, 4009);
    assert_eq!((answer.header("Retry-After"), answer.header("Connection")), (Some("1"), Some("close")));
    second.socket().await_end("the end of the connection");
    let request: Request = gateway.upgrade();
    assert_eq!(gateway.ask(&request).status, 503);
    drop(first);
    gateway.await_metric("http_connections_active", 0.0);
    assert_eq!(Http::open(&gateway).get("/tools").status, 200);
}

#[test]
fn headers_are_bounded_on_every_request() {
    let gateway = Gateway::with(|config| {
        config.websocket.max_header_bytes = 8_192;
        config.websocket.max_headers = 10;
    });
    let large = "x".repeat(9_000);
    let many: Vec<(&str, &str)> = (0..10).map(|_| ("X-More", "1")).collect();
    for headers in [vec![("X-Large", &*large)], many] {
        for kept in [false, true] {
            let mut http = Http::open(&gateway);
            if kept {
                assert_eq!(http.get("/tools").status, 200);
            }
            http.send("GET", "/tools", &headers, None);
            assert_eq!(http.response().status, 431, "{kept}");
        }
    }
    let few: Vec<(&str, &str)> = (0..8).map(|_| ("X-More", "1")).collect();
    assert_eq!(Http::open(&gateway).ask("GET", "/tools", &few, None).status, 200);
}

#[test]
fn a_deadline_is_kept() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("sleep");
    let mut http = Http::knowing(&gateway, "sleep");
    let started = std::time::Instant::now();
    let body = json!({"arguments": {"ms": 60_000}, "timeout_ms": 100});
    http.post("/tools/sleep/execute", &body).problem(504, 4007);
    assert!(started.elapsed() < Duration::from_secs(5));
}
