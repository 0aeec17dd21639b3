//! How long, how large and how many: what one client may ask of the door.

use gateway::Config;
use std::time::{Duration, Instant};
use tests::{Gateway, PATIENCE, Received, Request};

const TIMED_OUT: &str = "websocket_handshakes_refused_total{reason=\"timeout\"}";

fn hasty(config: &mut Config) {
    config.websocket.handshake_timeout_ms = 300;
}

/// Checks that a connection was cut when the handshake's time was over.
fn check_cut(gateway: &Gateway, start: Instant) {
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(300), "cut after {took:?}");
    gateway.await_metric(TIMED_OUT, 1.0);
    gateway.await_metric("websocket_connections_total", 0.0);
    gateway.connect().check_alive();
}

#[test]
fn slow_handshake() {
    let gateway = Gateway::with(hasty);
    let mut socket = gateway.open();
    let start = Instant::now();
    // A header that never ends: whenever the gateway looks, a byte more has come.
    let mut head = gateway.upgrade().bytes();
    head.truncate(head.len() - 2);
    head.extend_from_slice(&[b'x'; 10_000]);
    for byte in head {
        assert!(start.elapsed() < PATIENCE, "the gateway still listens to one byte at a time");
        if !socket.offer(&[byte]) || socket.receive(Duration::from_millis(10)) != Received::Nothing {
            break;
        }
    }
    assert!(socket.inbox().is_empty(), "{:?}", String::from_utf8_lossy(socket.inbox()));
    check_cut(&gateway, start);
}

#[test]
fn half_open() {
    let gateway = Gateway::with(hasty);
    let mut socket = gateway.open();
    let start = Instant::now();
    socket.await_end("the end of a connection that says nothing");
    check_cut(&gateway, start);
}

/// A request whose head has this many bytes.
fn of_head_len(request: Request, len: usize) -> Request {
    let padded = request.with("X-Padding", "");
    let missing = len - padded.head_len();
    padded.replace("X-Padding", &"x".repeat(missing))
}

/// A request with this many headers.
fn of_headers(mut request: Request, count: usize) -> Request {
    while request.header_count() < count {
        request = request.with("X-More", "1");
    }
    request
}

fn check_too_large(gateway: &Gateway, request: &Request, named: &str) {
    let response = gateway.ask(request);
    assert_eq!(response.status, 431, "{response:?}");
    gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 1.0);
    gateway.await_metric("websocket_connections_total", 0.0);
    let error = response.error();
    assert!(error.contains(named), "{error:?} does not name {named}");
    gateway.connect().check_alive();
}

#[test]
fn huge_headers() {
    let gateway = Gateway::start();
    check_too_large(&gateway, &of_head_len(gateway.upgrade(), 64 * 1024), "max_header_bytes");
    let gateway = Gateway::start();
    check_too_large(&gateway, &of_headers(gateway.upgrade(), 200), "max_headers");
}

#[test]
fn a_head_of_max_header_bytes_is_accepted_and_one_more_is_not() {
    for limit in [2_048, 16_384] {
        let gateway = Gateway::with(|config| config.websocket.max_header_bytes = limit);
        gateway.accepted(&of_head_len(gateway.upgrade(), limit)).check_alive();
        gateway.await_no_connections();
        let gateway = Gateway::with(|config| config.websocket.max_header_bytes = limit);
        check_too_large(&gateway, &of_head_len(gateway.upgrade(), limit + 1), "max_header_bytes");
    }
}

#[test]
fn max_headers_are_accepted_and_one_more_is_not() {
    for limit in [10, 64] {
        let gateway = Gateway::with(|config| config.websocket.max_headers = limit);
        gateway.accepted(&of_headers(gateway.upgrade(), limit)).check_alive();
        check_too_large(
            &Gateway::with(|config| config.websocket.max_headers = limit),
            &of_headers(gateway.upgrade(), limit + 1),
            "max_headers",
        );
    }
}

#[test]
fn a_long_request_line_counts_as_header_bytes() {
    let gateway = Gateway::start();
    let line = format!("GET /ws?{} HTTP/1.1", "x".repeat(20_000));
    check_too_large(&gateway, &gateway.upgrade().line(&line), "max_header_bytes");
}

#[test]
fn over_max_connections() {
    let gateway = Gateway::with(|config| config.websocket.max_connections = 3);
    let mut clients: Vec<_> = (0..3).map(|_| gateway.connect()).collect();
    for refused in 1..=4 {
        let response = gateway.ask(&gateway.upgrade());
        assert_eq!(response.status, 503, "{response:?}");
        let seconds = response.header("Retry-After").expect("it says when to come back");
        assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{seconds:?}");
        assert!(response.error().contains("max_connections"), "{response:?}");
        gateway
            .await_metric("websocket_handshakes_refused_total{reason=\"unavailable\"}", f64::from(refused));
    }
    for client in &mut clients {
        client.check_alive();
    }
    // A place that was given back is taken again.
    clients.pop();
    gateway.await_metric("websocket_connections_active", 2.0);
    gateway.connect().check_alive();
}

#[test]
fn max_connections_holds_for_a_rush_over_all_shards() {
    let gateway = Gateway::with(|config| config.websocket.max_connections = 10);
    let mut sockets: Vec<_> = (0..60).map(|_| gateway.open()).collect();
    let upgrade = gateway.upgrade().bytes();
    for socket in &mut sockets {
        socket.send(&upgrade);
    }
    let statuses: Vec<_> = sockets.iter_mut().map(|socket| socket.response().status).collect();
    assert_eq!(statuses.iter().filter(|&&status| status == 101).count(), 10, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|&&status| status == 503).count(), 50, "{statuses:?}");
    gateway.await_metric("websocket_connections_active", 10.0);
}

#[test]
fn waiting_handshakes_do_not_keep_others_out() {
    let gateway = Gateway::with(|config| {
        config.websocket.max_handshakes = 8;
        config.websocket.handshake_timeout_ms = 100;
    });
    let idle: Vec<_> = (0..64).map(|_| gateway.open()).collect();
    // The door is full of clients that say nothing, until their time is over.
    gateway.connect().check_alive();
    drop(idle);
}
