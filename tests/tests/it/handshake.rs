//! Upgrades that are not of the form of RFC 6455 section 4.2.1, and what smugglers try.

use tests::{Draft, Gateway, Request, Response, Socket};

/// The request is refused with this status, counted once, and the connection ends; what the answer says.
fn refused(gateway: &Gateway, request: &Request, status: u16) -> Response {
    let mut socket = gateway.open();
    socket.send(&request.bytes());
    let response = socket.response();
    assert_eq!(response.status, status, "{request:?}: {response:?}");
    socket.finish();
    socket.await_end("the end of a refused connection");
    assert!(socket.inbox().is_empty(), "bytes behind the one answer: {:?}", socket.inbox());
    response
}

fn check_refused(alter: impl FnOnce(Request) -> Request, status: u16, named: &str) -> Response {
    let gateway = Gateway::start();
    let response = refused(&gateway, &alter(gateway.upgrade()), status);
    let error = response.error();
    assert!(error.contains(named), "{error:?} does not name {named:?}");
    gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 1.0);
    gateway.await_metric("websocket_connections_total", 0.0);
    gateway.connect().check_alive();
    response
}

#[test]
fn an_upgrade_of_the_right_form_is_accepted() {
    let gateway = Gateway::start();
    gateway.connect().check_alive();
    gateway.await_metric("websocket_connections_total", 1.0);
    gateway.await_no_connections();
}

#[test]
fn header_names_and_tokens_are_read_without_regard_to_case() {
    let gateway = Gateway::start();
    let request = gateway
        .upgrade()
        .without("Connection")
        .without("Upgrade")
        .with("cOnNeCtIoN", "keep-alive, uPGRADE")
        .with("uPGRADE", "WebSocket");
    gateway.accepted(&request).check_alive();
}

#[test]
fn missing_upgrade() {
    let response = check_refused(|request| request.without("Upgrade"), 426, "Upgrade");
    assert_eq!(response.header("Upgrade"), Some("websocket"));
}

#[test]
fn missing_connection_token() {
    check_refused(|request| request.replace("Connection", "keep-alive"), 400, "Connection");
}

#[test]
fn wrong_version() {
    for version in ["12", "8", "0", "014", "13, 8", ""] {
        let response =
            check_refused(|request| request.replace("Sec-WebSocket-Version", version), 426, "Version");
        assert_eq!(response.header("Sec-WebSocket-Version"), Some("13"), "version {version:?}");
    }
}

#[test]
fn missing_version() {
    check_refused(|request| request.without("Sec-WebSocket-Version"), 426, "Sec-WebSocket-Version");
}

#[test]
fn bad_key() {
    let bad = [
        "",
        "dGhlIHNhbXBsZQ==",
        "dGhlIHNhbXBsZSBub25jZSE=",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25j!Q==",
        "dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ==",
    ];
    for key in bad {
        check_refused(|request| request.replace("Sec-WebSocket-Key", key), 400, "Sec-WebSocket-Key");
    }
}

#[test]
fn missing_key() {
    check_refused(|request| request.without("Sec-WebSocket-Key"), 400, "Sec-WebSocket-Key");
}

#[test]
fn duplicate_key() {
    check_refused(|request| request.with("Sec-WebSocket-Key", Request::KEY), 400, "sec-websocket-key");
}

#[test]
fn duplicate_version() {
    check_refused(|request| request.with("Sec-WebSocket-Version", "13"), 400, "sec-websocket-version");
}

#[test]
fn h2c_upgrade() {
    let h2c = |request: Request| {
        request
            .replace("Connection", "Upgrade, HTTP2-Settings")
            .replace("Upgrade", "h2c")
            .with("HTTP2-Settings", "AAMAAABkAAQAAP__")
    };
    check_refused(h2c, 426, "Upgrade");
    check_refused(|request| h2c(request).replace("Upgrade", "h2c, websocket"), 426, "Upgrade");
}

#[test]
fn h2_with_prior_knowledge_gets_no_connection() {
    let gateway = Gateway::start();
    let mut socket = gateway.open();
    socket.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00");
    socket.finish();
    socket.await_end("the end of a connection that speaks HTTP/2");
    let answer = String::from_utf8_lossy(socket.inbox()).into_owned();
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer:?}");
    gateway.await_metric("websocket_connections_total", 0.0);
    gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 1.0);
}

#[test]
fn http10_upgrade() {
    check_refused(|request| request.line("GET /ws HTTP/1.0"), 400, "HTTP/1.1");
}

#[test]
fn bare_lf() {
    check_refused(
        |mut request| {
            request.line_end = "\n";
            request
        },
        400,
        "CR LF",
    );
}

#[test]
fn a_bare_line_feed_in_one_header_is_refused() {
    check_refused(|request| request.with("X-One", "1\nX-Two: 2"), 400, "CR LF");
}

#[test]
fn post_upgrade() {
    check_refused(|request| request.line("POST /ws HTTP/1.1"), 405, "GET");
}

#[test]
fn body_on_upgrade() {
    check_refused(|request| request.with("Content-Length", "5").body(b"hello"), 400, "body");
    let chunked = |request: Request| request.with("Transfer-Encoding", "chunked").body(b"0\r\n\r\n");
    check_refused(chunked, 400, "body");
}

#[test]
fn missing_host() {
    check_refused(|request| request.without("Host"), 400, "Host");
}

#[test]
fn duplicate_host() {
    check_refused(|request| request.with("Host", "other.example"), 400, "Host");
}

#[test]
fn another_path_is_told_the_right_one() {
    check_refused(|request| request.line("GET /other HTTP/1.1"), 404, "/ws");
}

#[test]
fn smuggled_request() {
    let gateway = Gateway::start();
    // What follows the upgrade are frames, in the same write or not.
    let upgrade = gateway.upgrade();
    let frame = Draft::text(r#"{"id":1,"type":0,"method":"echo","params":"early"}"#).bytes();
    let mut client = gateway.accepted(&upgrade.clone().body(&frame));
    assert_eq!(client.message()["result"], "early");
    client.check_alive();
    // A second request is no frame.
    let mut client = gateway.accepted(&upgrade.clone().body(&upgrade.bytes()));
    client.closed(1002);
    // Nothing that follows a refused request is read as another one.
    let second = upgrade.bytes();
    refused(&gateway, &upgrade.clone().without("Host").body(&second), 400);
    refused(&gateway, &upgrade.line("GET /other HTTP/1.1").body(&second), 404);
    gateway.await_metric("websocket_connections_total", 2.0);
    gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 2.0);
}

#[test]
fn many_frames_right_behind_the_upgrade_are_all_read() {
    let gateway = Gateway::start();
    let echo = |id: u32| format!(r#"{{"id":{id},"type":0,"method":"echo","params":"{}"}}"#, "x".repeat(300));
    let frames: Vec<u8> = (0..500).flat_map(|id| Draft::text(&echo(id)).bytes()).collect();
    let mut client = gateway.accepted(&gateway.upgrade().body(&frames));
    for id in 0..500 {
        assert_eq!(client.message()["id"], id);
    }
}

#[test]
fn content_length_beside_transfer_encoding() {
    for (first, second) in [("Content-Length", "Transfer-Encoding"), ("Transfer-Encoding", "Content-Length")]
    {
        let gateway = Gateway::start();
        let value = |name: &str| if name == "Content-Length" { "4" } else { "chunked" };
        let request = gateway.upgrade().with(first, value(first)).with(second, value(second));
        refused(&gateway, &request.body(b"0\r\n\r\n"), 400);
        gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 1.0);
    }
}

#[test]
fn what_is_not_http_is_refused_and_counted_once() {
    let requests: [&[u8]; 5] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost : spaced\r\n\r\n",
        b"GET /ws HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    ];
    for request in requests {
        let gateway = Gateway::start();
        let mut socket = gateway.open();
        socket.send(request);
        socket.finish();
        let shown = String::from_utf8_lossy(request);
        socket.await_end("the end of a connection that speaks no HTTP");
        let answer = String::from_utf8_lossy(socket.inbox()).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400"), "{shown:?} was answered with {answer:?}");
        gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 1.0);
    }
}

#[test]
fn an_upgrade_may_come_byte_by_byte() {
    let gateway = Gateway::start();
    let request = gateway.upgrade();
    let mut socket: Socket = gateway.open();
    for byte in request.bytes() {
        socket.send(&[byte]);
    }
    socket.response().check_accepts(&request);
}
