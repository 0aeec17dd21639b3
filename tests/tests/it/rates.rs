//! How fast clients may ask: up to each limit, one past it, and what becomes of whoever goes on.

use auth::Claims;
use gateway::Config;
use gateway::config::Rate;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Client, Endpoints, Gateway, Http, Keys, Socket, until};

/// So many at once, and then none for a minute.
const fn burst(burst: u32) -> Rate {
    Rate { per_minute: 1, burst }
}

fn limited(name: &str) -> String {
    format!("requests_rate_limited_total{{limit=\"{name}\"}}")
}

fn gateway(configure: impl FnOnce(&mut Config)) -> Gateway {
    Gateway::with(configure)
}

fn by(gateway: &Endpoints, tenant: &str, agent: &str) -> Client {
    let (tenant, agent) = (tenant.to_owned(), agent.to_owned());
    let token = gateway.keys.mint(&Claims { tenant, agent, ..Keys::claims() });
    gateway.accepted(&gateway.upgrade().replace("Authorization", &format!("Bearer {token}")))
}

fn from(gateway: &Endpoints, own: [u8; 4]) -> Client {
    gateway.accepted_on(Socket::connect_from(own, gateway.clients), &gateway.upgrade())
}

/// Asks for an echo, which has to be over this limit; in how many milliseconds there is one again.
#[track_caller]
fn check_over(client: &mut Client, name: &str) -> u64 {
    client.request("over", "echo", &json!({}));
    let message = client.message();
    assert_eq!((&message["id"], &message["type"]), (&json!("over"), &json!(3)), "{message}");
    let error = &message["error"];
    assert_eq!((&error["code"], &error["details"]["limit"]), (&json!(4002), &json!(name)), "{message}");
    error["details"]["retry_after_ms"].as_u64().expect("it says when to come back")
}

#[test]
fn a_connection_has_its_own_rate() {
    let gateway = gateway(|config| config.limits.connection = burst(3));
    let mut client = gateway.connect();
    for _ in 0..3 {
        client.check_alive();
    }
    for refused in 1..=3 {
        let retry_after_ms = check_over(&mut client, "connection");
        assert!((50_000..=60_000).contains(&retry_after_ms), "{retry_after_ms}");
        gateway.await_metric(&limited("connection"), f64::from(refused));
    }
    gateway.connect().check_alive();
    assert!(gateway.metrics().value("websocket_errors_total{type=\"rate_limited\"}") >= 3.0);
}

#[test]
fn after_a_while_there_is_one_again() {
    let gateway = gateway(|config| config.limits.connection = Rate { per_minute: 600, burst: 2 });
    let mut client = gateway.connect();
    let started = Instant::now();
    let mut answered = 0;
    while answered < 12 {
        client.request("a", "echo", &json!({}));
        let message = client.message();
        let Some(wait) = message["error"]["details"]["retry_after_ms"].as_u64() else {
            answered += 1;
            continue;
        };
        assert!((1..=100).contains(&wait), "{message}");
        std::thread::sleep(Duration::from_millis(wait));
        // Whoever waits as long as it is told is not refused again.
        client.check_alive();
        answered += 1;
    }
    // Ten of them had to wait for 100 ms each.
    assert!(started.elapsed() >= Duration::from_millis(1_000), "{:?}", started.elapsed());
}

#[test]
fn a_user_has_one_rate_on_all_its_connections() {
    let gateway = gateway(|config| config.limits.user = burst(4));
    // More connections than shards.
    let mut clients: Vec<_> = (0..4).map(|_| by(&gateway, "t", "a")).collect();
    for client in &mut clients {
        client.check_alive();
    }
    for client in &mut clients {
        check_over(client, "user");
    }
    // A new connection is no new rate.
    drop(clients);
    gateway.await_no_connections();
    check_over(&mut by(&gateway, "t", "a"), "user");
    for (tenant, agent) in [("t", "b"), ("u", "a")] {
        by(&gateway, tenant, agent).check_alive();
    }
}

#[test]
fn a_tenant_has_one_rate_for_all_its_agents() {
    let gateway = gateway(|config| config.limits.tenant = burst(2));
    let mut clients = ["a", "b", "c"].map(|agent| by(&gateway, "t", agent));
    clients[0].check_alive();
    clients[1].check_alive();
    check_over(&mut clients[2], "tenant");
    by(&gateway, "u", "a").check_alive();
}

#[test]
fn an_address_has_one_rate_for_all_its_users() {
    let gateway = gateway(|config| {
        config.limits.address = burst(2);
        config.security.trusted_proxies = vec!["127.0.0.9".to_owned()];
    });
    let mut clients = ["a", "b", "c"].map(|agent| by(&gateway, "t", agent));
    clients[0].check_alive();
    clients[1].check_alive();
    check_over(&mut clients[2], "address");
    from(&gateway, [127, 0, 0, 2]).check_alive();
    // Behind a proxy that is trusted the address is the client's.
    let behind = |client: &str| {
        let socket = Socket::connect_from([127, 0, 0, 9], gateway.clients);
        gateway.accepted_on(socket, &gateway.upgrade().with("X-Forwarded-For", client))
    };
    behind("203.0.113.1").check_alive();
    let mut client = behind("127.0.0.1");
    check_over(&mut client, "address");
}

#[test]
fn the_gateway_has_one_rate_for_all() {
    let gateway = gateway(|config| config.limits.gateway = burst(2));
    let (mut one, mut other) = (by(&gateway, "t", "a"), by(&gateway, "u", "b"));
    one.check_alive();
    other.check_alive();
    check_over(&mut one, "gateway");
    check_over(&mut other, "gateway");
    gateway.await_metric(&limited("gateway"), 2.0);
}

#[test]
fn a_method_has_its_own_rate() {
    let gateway = gateway(|config| {
        config.limits.methods.insert("echo".to_owned(), burst(2));
        config.limits.methods.insert("a.custom".to_owned(), burst(1));
        config.limits.user = burst(5);
    });
    let (mut one, mut other) = (by(&gateway, "t", "a"), by(&gateway, "u", "b"));
    one.check_alive();
    other.check_alive();
    for _ in 0..10 {
        check_over(&mut one, "method");
    }
    // What is over the limit of a method costs the user nothing.
    for _ in 0..3 {
        one.ask("tool.list", &json!({}));
    }
    one.ask_wrong("a.custom", &json!({}), 4004);
    one.ask_wrong("a.custom", &json!({}), 4002);
    one.json(&json!({"id": 7, "type": 9}));
    one.error(&json!(7), 4002);
    other.ask("tool.list", &json!({}));
}

#[test]
fn a_notification_over_a_limit_is_dropped() {
    let gateway = gateway(|config| {
        config.limits.methods.insert("event.publish".to_owned(), burst(2));
    });
    let mut client = gateway.connect();
    let notify = json!({"type": 2, "method": "event.publish", "params": {"name": "a.b", "data": {}}});
    for _ in 0..5 {
        client.json(&notify);
    }
    client.check_alive();
    gateway.await_metric(&limited("method"), 3.0);
    gateway.await_metric("events_published_total", 2.0);
}

#[test]
fn messages_of_a_batch_count_one_by_one() {
    let gateway = gateway(|config| config.limits.connection = burst(3));
    let mut client = gateway.connect();
    let echo = |id: u64| json!({"id": id, "type": 0, "method": "echo", "params": {}});
    client.json(&Value::Array((1..=5).map(echo).collect()));
    for id in 1..=3 {
        client.result_of(id);
    }
    for id in 4..=5 {
        client.error(&json!(id), 4002);
    }
}

#[test]
fn pings_are_no_requests() {
    let gateway = gateway(|config| config.limits.connection = burst(1));
    let mut client = gateway.connect();
    for id in 1..=5 {
        client.json(&json!({"id": id, "type": 4}));
        assert_eq!(client.message(), json!({"id": id, "type": 5}));
    }
    client.check_alive();
    check_over(&mut client, "connection");
}

#[test]
fn whoever_floods_is_told_to_go() {
    let gateway = gateway(|config| {
        config.limits.connection = burst(1);
        config.limits.flood = 10;
    });
    let mut client = gateway.connect();
    client.check_alive();
    for _ in 0..10 {
        check_over(&mut client, "connection");
    }
    client.request("last", "echo", &json!({}));
    client.error(&json!("last"), 4002);
    client.closed(4429);
    gateway.await_metric("websocket_connections_closed_total{code=\"flooding\"}", 1.0);
}

#[test]
fn requests_of_the_rest_api_count_too() {
    let gateway = gateway(|config| {
        config.limits.connection = burst(4);
        config.limits.user = burst(6);
        config.limits.methods.insert("event.publish".to_owned(), burst(1));
    });
    let mut http = Http::open(&gateway);
    let publish = |http: &mut Http| http.post("/events", &json!({"name": "a.b", "data": {}}));
    assert_eq!(publish(&mut http).status, 201);
    let answer = publish(&mut http);
    answer.problem(429, 4002);
    let details = answer.json()["details"].take();
    assert_eq!(details["limit"], "method");
    let (wait, seconds) = (details["retry_after_ms"].as_u64(), answer.header("Retry-After"));
    let wait = wait.expect("it says when to come back").div_ceil(1_000);
    assert_eq!(seconds.and_then(|seconds| seconds.parse().ok()), Some(wait));
    for _ in 0..3 {
        assert_eq!(http.get("/tools").status, 200);
    }
    assert_eq!(http.get("/tools").json()["details"]["limit"], "connection");
    let mut http = Http::open(&gateway);
    assert_eq!(http.get("/tools").status, 200);
    let mut client = gateway.connect();
    client.check_alive();
    check_over(&mut client, "user");
    assert_eq!(http.get("/tools").json()["details"]["limit"], "user");
    assert_eq!(gateway.metrics().value("events_published_total"), 1.0);
    until("the counts", || {
        let metrics = gateway.metrics();
        let counts = ["connection", "user", "method"].map(|name| metrics.value(&limited(name)));
        (counts == [1.0, 2.0, 1.0]).then_some(())
    });
}
