//! What happens to a connection when its token ends.

use auth::Claims;
use gateway::Config;
use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Client, Gateway, Keys};

fn strict(config: &mut Config) {
    config.auth.leeway_s = 0;
    config.auth.grace_s = 1;
}

fn connect_for(gateway: &Gateway, ttl: Duration) -> Client {
    let token = gateway.keys.token_for(ttl);
    gateway.accepted(&gateway.upgrade().replace("Authorization", &format!("Bearer {token}")))
}

const UNAUTHORIZED: &str = "websocket_connections_closed_total{code=\"unauthorized\"}";

#[test]
fn expires_while_connected() {
    let gateway = Gateway::with(strict);
    let start = Instant::now();
    let mut client = connect_for(&gateway, Duration::from_secs(1));
    client.check_alive();
    assert!(client.closed(4401).contains("expired"));
    // Times of tokens are whole seconds, so the first may be nearly over at its start.
    let took = start.elapsed();
    assert!(took > Duration::from_secs(1), "closed before the grace was over, after {took:?}");
    assert!(took < Duration::from_secs(4), "closed only after {took:?}");
    drop(client);
    gateway.await_metric(UNAUTHORIZED, 1.0);
}

#[test]
fn a_refreshed_token_keeps_the_connection() {
    let gateway = Gateway::with(strict);
    let mut refreshed = connect_for(&gateway, Duration::from_secs(1));
    let mut other = connect_for(&gateway, Duration::from_secs(1));
    let answer = refreshed.ask("session.refresh", &json!({"token": gateway.keys.token()}));
    assert!(answer["expires_at"].as_u64().is_some(), "{answer}");
    other.closed(4401);
    refreshed.check_alive();
    gateway.await_metric(UNAUTHORIZED, 1.0);
    gateway.await_metric("websocket_connections_active", 1.0);
}

#[test]
fn refresh_to_other_identity() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let others = [
        Claims { tenant: "other".to_owned(), ..Keys::claims() },
        Claims { agent: "other".to_owned(), ..Keys::claims() },
    ];
    for claims in others {
        let token = gateway.keys.mint(&claims);
        let error = client.ask_wrong("session.refresh", &json!({"token": token}), 4001);
        assert!(error.contains("another tenant's or agent's"), "{error}");
        let error = client.ask_wrong("initialize", &json!({"token": token}), 4001);
        assert!(error.contains("another tenant's or agent's"), "{error}");
    }
    let who = client.ask("initialize", &json!({}));
    assert_eq!((&who["tenant"], &who["agent"]), (&json!("tenant"), &json!("agent")));
    gateway.await_metric("websocket_errors_total{type=\"authentication_failed\"}", 4.0);
}

#[test]
fn refresh_with_a_token_that_does_not_hold() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for token in ["garbage", &Keys::fresh().token()] {
        let error = client.ask_wrong("session.refresh", &json!({"token": token}), 4001);
        assert!(error.contains("refused"), "{error}");
    }
    client.check_alive();
}

#[test]
fn a_refused_refresh_does_not_prolong_the_connection() {
    let gateway = Gateway::with(strict);
    let mut client = connect_for(&gateway, Duration::from_secs(1));
    let foreign = gateway.keys.mint(&Claims { agent: "other".to_owned(), ..Keys::claims() });
    client.ask_wrong("session.refresh", &json!({"token": foreign}), 4001);
    client.closed(4401);
}
