//! What clients notice: those that are there, and those that come.

use crate::{apply, process};
use auth::{AuthorizationRule, Claims, Effect};
use gateway::config::Rate;
use serde_json::json;
use tests::{Client, Http, Keys, Received, Socket, until};

/// Asks for an echo, which is over this limit.
#[track_caller]
fn check_over(client: &mut Client, limit: &str) {
    client.request("over", "echo", &json!({}));
    let message = client.message();
    assert_eq!(
        (&message["error"]["code"], &message["error"]["details"]["limit"]),
        (&json!(4002), &json!(limit))
    );
}

fn burst(burst: u32) -> Rate {
    Rate { per_minute: 1, burst }
}

#[test]
fn a_rate_holds_for_whoever_is_there() {
    let mut process = process(|_| {});
    let (mut client, mut binary) = (process.connect(), process.connect_binary());
    for _ in 0..10 {
        client.check_alive();
    }
    apply(
        &mut process,
        |config| config.limits.connection = burst(2),
        &["limits.connection.burst", "limits.connection.per_minute"],
    );
    // At the limit, and one past it.
    client.check_alive();
    client.check_alive();
    check_over(&mut client, "connection");
    process.connect().check_alive();
    // What was taken of a rate that stays the same stays taken, whatever else changes.
    apply(&mut process, |config| config.limits.flood = 7, &["limits.flood"]);
    check_over(&mut client, "connection");
    apply(
        &mut process,
        |config| config.limits.connection = Rate::default(),
        &["limits.connection.burst", "limits.connection.per_minute"],
    );
    for _ in 0..10 {
        client.check_alive();
    }
    binary.draft(&tests::Draft::new(tests::Opcode::PING, b"x"));
    binary.frame_of(tests::Opcode::PONG, "a pong");
}

#[test]
fn a_rate_of_users_counts_on_where_it_stays_the_same() {
    let mut process = process(|config| config.limits.user = burst(3));
    let mut client = process.connect();
    client.check_alive();
    client.check_alive();
    apply(
        &mut process,
        |config| config.limits.tenant = burst(9),
        &["limits.tenant.burst", "limits.tenant.per_minute"],
    );
    // The third one is the last, on whichever connection.
    process.connect().check_alive();
    check_over(&mut client, "user");
    let mut http = Http::open(&process);
    assert_eq!(http.get("/tools").status, 429);
}

#[test]
fn whoever_goes_on_over_a_limit_goes_sooner() {
    let mut process = process(|config| config.limits.connection = burst(1));
    let mut client = process.connect();
    client.check_alive();
    check_over(&mut client, "connection");
    apply(&mut process, |config| config.limits.flood = 3, &["limits.flood"]);
    check_over(&mut client, "connection");
    check_over(&mut client, "connection");
    client.request("over", "echo", &json!({}));
    client.message();
    client.closed(4429);
}

#[test]
fn a_rule_denies_whoever_is_there() {
    let mut process = process(|_| {});
    let (mut client, mut http) = (process.connect(), Http::open(&process));
    client.check_alive();
    assert_eq!(http.get("/tools").status, 200);
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let rule = AuthorizationRule {
        effect: Effect::Deny,
        methods: names(&["echo", "tool.list"]),
        ..AuthorizationRule::default()
    };
    apply(&mut process, |config| config.authorization.rules = vec![rule], &["authorization.rules"]);
    assert_eq!(client.ask_wrong("echo", &json!({}), 4013), "a rule of authorization denies it");
    assert_eq!(http.get("/tools").status, 403);
    apply(&mut process, |config| config.authorization.rules.clear(), &["authorization.rules"]);
    client.check_alive();
    assert_eq!(http.get("/tools").status, 200);
    apply(&mut process, |config| config.authorization.default = Effect::Deny, &["authorization.default"]);
    client.ask_wrong("echo", &json!({}), 4013);
}

#[test]
fn a_list_of_addresses_holds_for_whoever_comes() {
    const STRANGER: [u8; 4] = [127, 0, 0, 2];
    let mut process = process(|_| {});
    let upgraded = |process: &tests::Process| {
        let mut socket = Socket::connect_from(STRANGER, process.clients);
        socket.send(&process.upgrade().bytes());
        socket
    };
    let mut there = process.accepted_on(Socket::connect_from(STRANGER, process.clients), &process.upgrade());
    let networks = vec!["127.0.0.2/32".to_owned()];
    apply(&mut process, |config| config.security.denied_addresses = networks, &["security.denied_addresses"]);
    let mut socket = Socket::connect_from(STRANGER, process.clients);
    let ended = socket.await_end("the end of a connection that is not let in");
    assert!(matches!(ended, Received::End | Received::Reset), "{ended:?}");
    process.connect().check_alive();
    there.check_alive();
    apply(&mut process, |config| config.security.denied_addresses.clear(), &["security.denied_addresses"]);
    assert_eq!(upgraded(&process).response().status, 101);
    let hosts = vec!["gateway.example.com".to_owned()];
    apply(&mut process, |config| config.security.allowed_hosts = hosts, &["security.allowed_hosts"]);
    assert_eq!(process.ask(&process.upgrade()).status, 403);
    assert_eq!(process.ask(&process.upgrade().replace("Host", "gateway.example.com")).status, 101);
}

#[test]
fn a_pod_takes_more_and_fewer_connections() {
    let mut process = process(|config| config.websocket.max_connections = 2);
    let status = |process: &tests::Process| process.ask(&process.upgrade()).status;
    let (mut one, mut two) = (process.connect(), process.connect());
    assert_eq!(status(&process), 503);
    apply(&mut process, |config| config.websocket.max_connections = 3, &["websocket.max_connections"]);
    let three = process.connect();
    assert_eq!(status(&process), 503);
    apply(&mut process, |config| config.websocket.max_connections = 1, &["websocket.max_connections"]);
    one.check_alive();
    two.check_alive();
    drop(three);
    process.await_metric("websocket_connections_active", 2.0);
    assert_eq!(status(&process), 503, "those that are there stay, and none comes");
    drop((one, two));
    process.await_no_connections();
    process.connect().check_alive();
}

#[test]
fn connections_of_one_user_count_on() {
    let mut process = process(|config| config.websocket.max_connections_per_user = 1);
    let status = |process: &tests::Process| process.ask(&process.upgrade()).status;
    let one = process.connect();
    assert_eq!(status(&process), 429);
    let key = &["websocket.max_connections_per_user"];
    apply(&mut process, |config| config.websocket.max_connections_per_user = 2, key);
    let two = process.connect();
    assert_eq!(status(&process), 429);
    drop((one, two));
}

#[test]
fn messages_and_calls_are_bounded_anew() {
    let mut process = process(|_| {});
    let mut client = process.connect();
    let params = json!({"a": "x".repeat(2_000)});
    assert_eq!(client.ask("echo", &params), params);
    let keys = &["websocket.max_message_size", "websocket.path"];
    apply(
        &mut process,
        |config| {
            config.websocket.max_message_size = 1_000;
            "/other".clone_into(&mut config.websocket.path);
        },
        keys,
    );
    client.check_alive();
    assert_eq!(process.ask(&process.upgrade()).status, 404);
    client.request("long", "echo", &params);
    client.closed(1009);
}

#[test]
fn keys_are_rotated() {
    let mut process = process(|_| {});
    let fresh = Keys::fresh();
    let mut settings = fresh.settings();
    settings.id = Some("fresh".to_owned());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, fresh.secret()).expect("the folder is ours");
    (settings.secret, settings.secret_file) = (None, Some(secret));
    let token = {
        let signer = auth::Signer::hs256(fresh.secret().as_bytes(), Some("fresh")).expect("a key");
        signer.mint(&Claims { scopes: vec!["*".to_owned()], ..Claims::new("t", "a") }).expect("a token")
    };
    let request = process.upgrade().replace("Authorization", &format!("Bearer {token}"));
    assert_eq!(process.ask(&request).status, 401);
    let mut client = process.connect();
    apply(&mut process, |config| config.auth.keys = vec![settings], &["auth.keys"]);
    assert_eq!(process.ask(&request).status, 101);
    assert_eq!(process.ask(&process.upgrade()).status, 401, "the key of before is gone");
    // Whoever came with it stays until its token ends.
    client.check_alive();
    until("the line of the reload", || {
        process.log().iter().any(|line| line.contains("\"applied\":\"auth.keys\"")).then_some(())
    });
}
