//! Who a connection comes from, and who is let in by that. The machine has every address below 127.0.0.0/8, so a client may
//! be a proxy that is trusted, or one that is not.

use gateway::Config;
use gateway::config::Demand;
use std::time::Duration;
use tests::{Client, Gateway, Http, Received, Request, Socket, until};

const PROXY: [u8; 4] = [127, 0, 0, 1];
const STRANGER: [u8; 4] = [127, 0, 0, 2];
const DENIED: &str = "websocket_handshakes_refused_total{reason=\"address\"}";
const NO_HEADER: &str = "websocket_handshakes_refused_total{reason=\"proxy_protocol\"}";

fn list(networks: &[&str]) -> Vec<String> {
    networks.iter().map(|network| (*network).to_owned()).collect()
}

/// A gateway that trusts the proxy and takes nobody from 192.0.2.0/24.
fn start(configure: impl FnOnce(&mut Config)) -> Gateway {
    Gateway::with(|config| {
        config.security.trusted_proxies = list(&["127.0.0.1", "10.0.0.0/8"]);
        config.security.denied_addresses = list(&["192.0.2.0/24", "2001:db8::/32"]);
        configure(config);
    })
}

fn announced(how: Demand) -> Gateway {
    start(|config| config.security.proxy_protocol = how)
}

fn ask(gateway: &Gateway, from: [u8; 4], request: &Request) -> u16 {
    let mut socket = Socket::connect_from(from, gateway.clients);
    socket.send(&request.bytes());
    socket.response().status
}

/// Checks that the gateway ends a connection without a word.
#[track_caller]
fn check_dropped(mut socket: Socket) {
    let ended = socket.await_end("the end of a connection that is not let in");
    assert!(matches!(ended, Received::End | Received::Reset), "{ended:?}");
    assert!(socket.inbox().is_empty(), "{:?}", String::from_utf8_lossy(socket.inbox()));
}

/// What begins a connection from this address, in both versions.
fn headers(client: [u8; 4]) -> [Vec<u8>; 2] {
    let [a, b, c, d] = client;
    let second = [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &client, &[198, 51, 100, 1, 4, 1, 1, 187]];
    [format!("PROXY TCP4 {a}.{b}.{c}.{d} 198.51.100.1 1025 443\r\n").into_bytes(), second.concat()]
}

/// A connection that was begun so, upgraded.
fn connect(gateway: &Gateway, header: &[u8]) -> Client {
    let mut socket = Socket::connect_from(PROXY, gateway.clients);
    socket.send(header);
    gateway.accepted_on(socket, &gateway.upgrade())
}

#[test]
fn spoofed_forwarded_for() {
    let gateway = start(|_| {});
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.1"),
        ("X-Forwarded-For", "203.0.113.1, 192.0.2.1, 10.0.0.1"),
        ("Forwarded", "for=192.0.2.1"),
        ("Forwarded", "for=\"[2001:db8::1]:4711\";proto=https"),
    ] {
        let request = gateway.upgrade().with(name, value);
        assert_eq!(ask(&gateway, STRANGER, &request), 101, "a stranger's word is nothing: {value}");
        assert_eq!(ask(&gateway, PROXY, &request), 403, "the proxy's is something: {value}");
    }
    gateway.await_metric(DENIED, 4.0);
    // What the client wrote itself stands before what the proxy has added.
    let request = gateway.upgrade().with("X-Forwarded-For", "192.0.2.1, 203.0.113.1");
    assert_eq!(ask(&gateway, PROXY, &request), 101);
    let request = gateway.upgrade().with("X-Forwarded-For", "203.0.113.1, 192.0.2.1");
    assert_eq!(ask(&gateway, PROXY, &request), 403);
    let request =
        gateway.upgrade().with("X-Forwarded-For", "203.0.113.1").with("Forwarded", "for=203.0.113.2");
    assert_eq!(ask(&gateway, PROXY, &request), 400, "one of the two is the client's own");
    assert_eq!(ask(&gateway, PROXY, &gateway.upgrade()), 101, "the proxy's own request");
}

#[test]
fn a_spoofed_address_opens_nothing() {
    let gateway = start(|config| config.security.allowed_addresses = list(&["203.0.113.0/24", "127.0.0.3"]));
    let request = gateway.upgrade().with("X-Forwarded-For", "203.0.113.1");
    check_dropped(Socket::connect_from(STRANGER, gateway.clients));
    gateway.await_metric(DENIED, 1.0);
    assert_eq!(ask(&gateway, PROXY, &request), 101);
    assert_eq!(ask(&gateway, PROXY, &gateway.upgrade()), 403, "the proxy itself is not listed");
    assert_eq!(ask(&gateway, [127, 0, 0, 3], &gateway.upgrade()), 101);
}

#[test]
fn what_is_denied_is_not_allowed() {
    let gateway = Gateway::with(|config| {
        config.security.allowed_addresses = list(&["127.0.0.0/8"]);
        config.security.denied_addresses = list(&["127.0.0.2/32"]);
    });
    assert_eq!(ask(&gateway, [127, 0, 0, 3], &gateway.upgrade()), 101);
    check_dropped(Socket::connect_from(STRANGER, gateway.clients));
    gateway.await_metric(DENIED, 1.0);
}

#[test]
fn requests_of_the_rest_api_are_looked_at_one_by_one() {
    let gateway = start(|_| {});
    let mut http = Http::over(Socket::connect_from(PROXY, gateway.clients), &gateway.keys.token());
    for (client, status) in [("203.0.113.1", 200), ("192.0.2.1", 403), ("203.0.113.2", 200)] {
        let answer = http.ask("GET", "/tools", &[("X-Forwarded-For", client)], None);
        assert_eq!(answer.status, status, "{client}");
    }
}

#[test]
fn a_trusted_proxy_tells_for_whom_it_has_come() {
    let gateway = announced(Demand::Required);
    for header in headers([203, 0, 113, 1]) {
        connect(&gateway, &header).check_alive();
        // However it is cut.
        let mut socket = Socket::connect_from(PROXY, gateway.clients);
        for part in header.chunks(5) {
            socket.send(part);
            assert_eq!(socket.receive(Duration::from_millis(2)), Received::Nothing);
        }
        gateway.accepted_on(socket, &gateway.upgrade()).check_alive();
    }
    for header in headers([192, 0, 2, 1]) {
        let mut socket = Socket::connect_from(PROXY, gateway.clients);
        socket.send(&header);
        check_dropped(socket);
    }
    gateway.await_metric(DENIED, 2.0);
    for own in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        connect(&gateway, own).check_alive();
    }
}

#[test]
fn a_proxy_behind_a_proxy_is_heard_too() {
    let gateway = announced(Demand::Required);
    let inner = &headers([10, 0, 0, 7])[0];
    for (client, status) in [("203.0.113.1", 101), ("192.0.2.1", 403)] {
        let mut socket = Socket::connect_from(PROXY, gateway.clients);
        socket.send(inner);
        socket.send(&gateway.upgrade().with("X-Forwarded-For", client).bytes());
        assert_eq!(socket.response().status, status, "{client}");
    }
    // Of one that is not trusted nothing is believed.
    let mut socket = Socket::connect_from(PROXY, gateway.clients);
    socket.send(&headers([203, 0, 113, 1])[1]);
    socket.send(&gateway.upgrade().with("X-Forwarded-For", "192.0.2.1").bytes());
    assert_eq!(socket.response().status, 101);
}

#[test]
fn proxy_protocol_garbage() {
    let gateway = announced(Demand::Required);
    let request = gateway.upgrade().bytes();
    let long = [&b"PROXY "[..], &[b'x'; 200]].concat();
    let garbage: [&[u8]; 6] = [
        &request,
        b"PROXY TCP4 192.0.2.999 198.51.100.1 1 2\r\n",
        b"PROXY TCP4\r\n",
        &long,
        b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\x0c\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
    ];
    for (bytes, refused) in garbage.into_iter().zip(1..) {
        let mut socket = Socket::connect_from(PROXY, gateway.clients);
        socket.send(bytes);
        check_dropped(socket);
        gateway.await_metric(NO_HEADER, f64::from(refused));
    }
    // Whoever is not trusted can't say anything that would let it in.
    check_dropped(Socket::connect_from(STRANGER, gateway.clients));
    gateway.await_metric("websocket_connections_total", 0.0);
    connect(&gateway, &headers([203, 0, 113, 1])[1]).check_alive();
}

#[test]
fn a_header_that_never_ends_is_cut() {
    let gateway = start(|config| {
        config.security.proxy_protocol = Demand::Required;
        config.websocket.handshake_timeout_ms = 200;
    });
    for begun in [&b"PROXY TCP4"[..], b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", b""] {
        let mut socket = Socket::connect_from(PROXY, gateway.clients);
        socket.send(begun);
        check_dropped(socket);
    }
    gateway.await_metric("websocket_handshakes_refused_total{reason=\"timeout\"}", 3.0);
}

#[test]
fn where_it_is_optional_a_proxy_may_say_nothing() {
    let gateway = announced(Demand::Optional);
    assert_eq!(ask(&gateway, PROXY, &gateway.upgrade()), 101);
    for header in headers([203, 0, 113, 1]) {
        connect(&gateway, &header).check_alive();
        // A stranger's is no request, and tells nothing.
        let mut socket = Socket::connect_from(STRANGER, gateway.clients);
        socket.send(&[&header[..], &gateway.upgrade().bytes()].concat());
        assert_eq!(socket.response().status, 400);
    }
    assert_eq!(ask(&gateway, STRANGER, &gateway.upgrade()), 101);
    let mut socket = Socket::connect_from(PROXY, gateway.clients);
    socket.send(b"PROXY nonsense\r\n");
    check_dropped(socket);
    gateway.await_metric(NO_HEADER, 1.0);
    // It begins as a header does.
    let mut http = Http::over(Socket::connect_from(PROXY, gateway.clients), &gateway.keys.token());
    http.bytes(b"P");
    http.bytes(b"UT /api/v1/tools HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(http.response().status, 405);
}

/// Whether a connection from there is dropped at once.
fn is_shut_out(gateway: &Gateway, from: [u8; 4]) -> bool {
    let received = Socket::connect_from(from, gateway.clients).receive(Duration::from_secs(1));
    matches!(received, Received::End | Received::Reset)
}

#[test]
fn networks_are_let_in_and_shut_out_while_it_runs() {
    let folder = tempfile::TempDir::new().expect("the system has a folder for temporary files");
    let path = folder.path().join("addresses");
    let write = |text: &str| std::fs::write(&path, text).expect("the folder is ours");
    write("# the one next door\ndeny 127.0.0.2\n");
    let gateway = Gateway::with(|config| config.security.addresses_file = Some(path.clone()));
    let mut client = gateway.connect();
    assert!(is_shut_out(&gateway, STRANGER));
    write("deny 127.0.0.1/32\n");
    until("the list that denies another", || is_shut_out(&gateway, PROXY).then_some(()));
    assert_eq!(ask(&gateway, STRANGER, &gateway.upgrade()), 101);
    write("allow 127.0.0.1\n");
    until("the list that allows one alone", || is_shut_out(&gateway, STRANGER).then_some(()));
    assert_eq!(ask(&gateway, PROXY, &gateway.upgrade()), 101);
    client.check_alive();
}
