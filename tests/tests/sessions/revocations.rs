//! What is revoked at one pod, and how the others learn of it.

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Client, Gateway, Pods, Session, until};

const REVOKE: &str = "/admin/v1/revoke";

fn revoke(at: &Gateway, what: &Value) -> (u16, Value) {
    let response = at.admin_post(REVOKE, what);
    (response.status, response.json())
}

/// The usual holder's upgrade is answered with this status from now on.
fn await_status(gateway: &Gateway, status: u16) {
    until("the pod to learn of it", || (gateway.ask(&gateway.upgrade()).status == status).then_some(()));
}

fn connections(gateways: [&Gateway; 2]) -> [Client; 2] {
    gateways.map(|gateway| gateway.connect())
}

#[test]
fn revoked_at_one_pod_ends_at_all_within_a_second_and_at_later_ones_from_their_start() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let [mut near, mut far] = connections([&here, &there]);
    let mut session = Session::open(&here);
    let began = Instant::now();
    let (status, done) =
        revoke(&here, &json!({"tenant": "tenant", "agent": "agent", "reason": "it was stolen"}));
    assert_eq!((status, &done["shared"]), (200, &json!(true)), "{done}");
    assert_eq!(near.closed(4401), "the token was revoked");
    assert_eq!(far.closed(4401), "the token was revoked");
    session.await_close(4401);
    assert!(began.elapsed() < Duration::from_secs(1), "after {:?}", began.elapsed());
    for gateway in [&here, &there, &pods.pod()] {
        assert_eq!(gateway.ask(&gateway.upgrade()).status, 401);
    }
}

#[test]
fn without_redis_a_pod_goes_ahead_and_the_others_follow_when_it_is_back() {
    let mut pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let [mut near, mut far] = connections([&here, &there]);
    pods.redis.kill();
    let (status, done) = revoke(&here, &json!({"tenant": "tenant"}));
    assert_eq!((status, &done["shared"]), (202, &json!(false)), "{done}");
    assert!(done["problem"].as_str().is_some_and(|text| text.contains("the others follow")), "{done}");
    near.closed(4401);
    assert_eq!(here.ask(&here.upgrade()).status, 401);
    far.check_alive();
    pods.redis.restart();
    far.closed(4401);
    await_status(&there, 401);
}

#[test]
fn a_redis_that_has_lost_everything_is_told_again() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let (status, _) = revoke(&here, &json!({"tenant": "tenant"}));
    assert_eq!(status, 200);
    await_status(&there, 401);
    let keys = || pods.redis.ask("EXISTS mcpw:x:{revocations}").expect("it answers");
    assert!(keys().starts_with(":1"), "{}", keys());
    pods.redis.ask("FLUSHALL").expect("it answers");
    until("the revocation to be back", || keys().starts_with(":1").then_some(()));
    for gateway in [&here, &there, &pods.pod()] {
        assert_eq!(gateway.ask(&gateway.upgrade()).status, 401);
    }
}
