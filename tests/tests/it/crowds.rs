//! How many connections one address and one user may have, and how fast they may come.

use auth::Claims;
use gateway::Config;
use std::time::Duration;
use tests::{Endpoints, Gateway, Http, Keys, Received, Request, Response, Socket, until};

const LIMITED: &str = "websocket_handshakes_refused_total{reason=\"rate_limited\"}";
const FLOOD: &str = "websocket_handshakes_refused_total{reason=\"flood\"}";
const ACTIVE: &str = "websocket_connections_active";

/// An upgrade by this agent of this tenant.
fn by(gateway: &Endpoints, tenant: &str, agent: &str) -> Request {
    let (tenant, agent) = (tenant.to_owned(), agent.to_owned());
    let token = gateway.keys.mint(&Claims { tenant, agent, ..Keys::claims() });
    gateway.upgrade().replace("Authorization", &format!("Bearer {token}"))
}

fn open(gateway: &Endpoints, from: [u8; 4], request: &Request) -> (Socket, Response) {
    let mut socket = Socket::connect_from(from, gateway.clients);
    socket.send(&request.bytes());
    let response = socket.response();
    (socket, response)
}

#[track_caller]
fn check_busy(response: &Response, named: &str) {
    assert_eq!(response.status, 429, "{response:?}");
    let seconds = response.header("Retry-After").expect("it says when to come back");
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds >= 1), "{seconds:?}");
    assert!(response.error().contains(named), "{response:?}");
}

fn trusting(config: &mut Config) {
    config.security.trusted_proxies = vec!["127.0.0.9".to_owned()];
}

#[test]
fn over_per_ip() {
    let gateway = Gateway::with(|config| config.websocket.max_connections_per_ip = 3);
    let [here, there] = [[127, 0, 0, 1], [127, 0, 0, 2]];
    let upgrade = gateway.upgrade();
    // However they fall to the shards.
    let mut connections: Vec<_> = (0..3).map(|_| open(&gateway, here, &upgrade)).collect();
    assert!(connections.iter().all(|(_, response)| response.status == 101));
    for refused in 1..=4 {
        check_busy(&open(&gateway, here, &upgrade).1, "max_connections_per_ip");
        gateway.await_metric(LIMITED, f64::from(refused));
    }
    let other = open(&gateway, there, &upgrade);
    assert_eq!(other.1.status, 101, "another address is not meant");
    connections.pop();
    gateway.await_metric(ACTIVE, 3.0);
    assert_eq!(open(&gateway, here, &upgrade).1.status, 101);
}

#[test]
fn clients_behind_a_trusted_proxy_count_one_by_one() {
    let gateway = Gateway::with(|config| {
        trusting(config);
        config.websocket.max_connections_per_ip = 1;
    });
    let ask = |client: &str| {
        let request = gateway.upgrade().with("X-Forwarded-For", client);
        open(&gateway, [127, 0, 0, 9], &request)
    };
    let kept: Vec<_> =
        ["203.0.113.1", "203.0.113.2", "2001:db8::1", "2001:db8:0:1::1"].into_iter().map(ask).collect();
    assert!(kept.iter().all(|(_, response)| response.status == 101));
    for client in ["203.0.113.1", "2001:db8::2", "2001:db8:0:1:ffff::1"] {
        check_busy(&ask(client).1, "max_connections_per_ip");
    }
}

#[test]
fn over_per_user() {
    let gateway = Gateway::with(|config| config.websocket.max_connections_per_user = 2);
    let request = by(&gateway, "t", "a");
    let from = |last| open(&gateway, [127, 0, 0, last], &request);
    let mut connections: Vec<_> = (1..=2).map(from).collect();
    assert!(connections.iter().all(|(_, response)| response.status == 101));
    check_busy(&from(3).1, "max_connections_per_user");
    gateway.await_metric(LIMITED, 1.0);
    for (tenant, agent) in [("t", "b"), ("u", "a")] {
        gateway.accepted(&by(&gateway, tenant, agent)).check_alive();
    }
    connections.pop();
    until("the place that was given back", || (from(1).1.status == 101).then_some(()));
}

#[test]
fn requests_of_the_rest_api_count_too() {
    let gateway = Gateway::with(|config| {
        trusting(config);
        config.websocket.max_connections_per_ip = 2;
        config.websocket.max_connections_per_user = 3;
    });
    let token = gateway.keys.token();
    let rest = |from| Http::over(Socket::connect_from(from, gateway.clients), &token);
    // A connection counts for its address.
    let mut kept: Vec<_> = (0..2).map(|_| rest([127, 0, 0, 1])).collect();
    for http in &mut kept {
        assert_eq!(http.get("/tools").status, 200);
    }
    let refused = rest([127, 0, 0, 1]).get("/tools");
    refused.problem(429, 4002);
    assert_eq!((refused.header("Retry-After"), refused.header("Connection")), (Some("1"), Some("close")));
    gateway.await_metric(LIMITED, 1.0);
    assert_eq!(open(&gateway, [127, 0, 0, 1], &gateway.upgrade()).1.status, 429);
    // A request counts for its user as long as it runs, and behind a proxy for its address.
    let mut streams: Vec<_> = (0..3).map(|_| rest([127, 0, 0, 9])).collect();
    for (http, client) in streams.iter_mut().zip(["203.0.113.1", "203.0.113.1", "203.0.113.2"]) {
        http.open_stream("GET", "/events", &[("X-Forwarded-For", client)], None);
    }
    let mut proxy = rest([127, 0, 0, 9]);
    let problem = proxy.get("/tools").problem(429, 4002);
    assert!(problem.contains("max_connections_per_user"), "{problem}");
    assert_eq!(open(&gateway, [127, 0, 0, 3], &gateway.upgrade()).1.status, 429);
    streams.pop();
    let mut ask = |client| proxy.ask("GET", "/tools", &[("X-Forwarded-For", client)], None);
    until("the end of the stream", || (ask("203.0.113.2").status == 200).then_some(()));
    let problem = ask("203.0.113.1").problem(429, 4002);
    assert!(problem.contains("max_connections_per_ip"), "{problem}");
}

#[test]
fn handshake_flood() {
    let gateway = Gateway::with(|config| {
        config.websocket.max_handshakes_per_ip = 1;
        config.websocket.handshake_burst_per_ip = 3;
    });
    let upgrade = gateway.upgrade();
    let (mut accepted, mut answered, mut dropped) = (0, 0, 0);
    // Three come in and nine are told; with each second that it takes, one and three more.
    for _ in 0..100 {
        let mut socket = Socket::connect_from([127, 0, 0, 1], gateway.clients);
        if !socket.offer(&upgrade.bytes()) {
            dropped += 1;
            continue;
        }
        match socket.receive(tests::PATIENCE) {
            Received::Bytes if socket.response().status == 101 => accepted += 1,
            Received::Bytes => answered += 1,
            _ => dropped += 1,
        }
    }
    assert!(accepted >= 3, "{accepted} came in");
    assert!(answered > accepted, "{answered} were answered, {accepted} came in");
    assert!(dropped >= 10, "{dropped} were dropped");
    gateway.await_metric(FLOOD, f64::from(dropped));
    gateway.await_metric(LIMITED, f64::from(answered));
    // Others come in, and so does the flooder once it has calmed down.
    let mut other = open(&gateway, [127, 0, 0, 2], &upgrade);
    assert_eq!(other.1.status, 101);
    assert_eq!(other.0.receive(Duration::from_millis(1)), Received::Nothing);
    let mut last = std::time::Instant::now();
    until("the end of the flood", || {
        // Who asks at each moment never calms down.
        let is_time = last.elapsed() > Duration::from_millis(1_100);
        last = if is_time { std::time::Instant::now() } else { last };
        (is_time && open(&gateway, [127, 0, 0, 1], &upgrade).1.status == 101).then_some(())
    });
}

#[test]
fn handshakes_behind_a_trusted_proxy_count_one_by_one() {
    let gateway = Gateway::with(|config| {
        trusting(config);
        config.websocket.max_handshakes_per_ip = 1;
        config.websocket.handshake_burst_per_ip = 2;
    });
    let status = |client: &str| {
        let request = gateway.upgrade().with("X-Forwarded-For", client);
        open(&gateway, [127, 0, 0, 9], &request).1.status
    };
    assert_eq!([status("203.0.113.1"), status("203.0.113.1"), status("203.0.113.2")], [101; 3]);
    let refused = (0..20).filter(|_| status("203.0.113.1") == 429).count();
    assert!(refused >= 15, "{refused}");
    assert_eq!(status("203.0.113.2"), 101);
}
