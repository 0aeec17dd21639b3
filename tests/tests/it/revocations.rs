//! What is revoked at the operators' port, in one gateway: who is sent away, who is not, and for how long.

use auth::{ApiKeyEntry, Claims};
use serde_json::{Value, json};
use std::time::Duration;
use tests::{Client, Gateway, Http, Keys, Request, until};

const REVOKE: &str = "/admin/v1/revoke";

/// A token of this tenant, agent and id.
fn token(gateway: &Gateway, tenant: &str, agent: &str, id: Option<&str>) -> String {
    let (tenant, agent) = (tenant.to_owned(), agent.to_owned());
    gateway.keys.mint(&Claims { tenant, agent, token_id: id.map(str::to_owned), ..Keys::claims() })
}

fn bearer(gateway: &Gateway, token: &str) -> Request {
    gateway.upgrade().replace("Authorization", &format!("Bearer {token}"))
}

fn accepted(gateway: &Gateway, token: &str) -> Client {
    gateway.accepted(&bearer(gateway, token))
}

/// Revokes, and what is told of it.
fn revoke(gateway: &Gateway, what: &Value) -> Value {
    let response = gateway.admin_post(REVOKE, what);
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

fn check_refused(gateway: &Gateway, token: &str) {
    let response = gateway.ask(&bearer(gateway, token));
    assert_eq!(response.status, 401);
    let told = response.header("WWW-Authenticate").expect("a 401 says why");
    assert!(told.contains("the token was revoked"), "{told}");
    assert_eq!(Http::with_token(gateway, token).get("/tools").status, 401);
}

#[test]
fn a_revoked_token_ends_what_it_opened_and_opens_nothing_more() {
    let gateway = Gateway::start();
    let (bad, good) = (token(&gateway, "t", "a", Some("bad")), token(&gateway, "t", "a", Some("good")));
    let (mut gone, mut stays) = (accepted(&gateway, &bad), accepted(&gateway, &good));
    let mut plain = accepted(&gateway, &token(&gateway, "t", "a", None));
    let done = revoke(&gateway, &json!({"token_id": "bad", "reason": "it was in a log"}));
    assert_eq!(done, json!({"revoked": {"token": "bad"}, "ttl_ms": 86_400_000, "shared": true}));
    assert_eq!(gone.closed(4401), "the token was revoked");
    check_refused(&gateway, &bad);
    stays.check_alive();
    plain.check_alive();
    let told = stays.ask_wrong("session.refresh", &json!({"token": bad}), 4001);
    assert!(told.contains("the token was revoked"), "{told}");
    accepted(&gateway, &good).check_alive();
    gateway.await_metric("websocket_connections_closed_total{code=\"unauthorized\"}", 1.0);
    // Twice is as good as once.
    revoke(&gateway, &json!({"token_id": "bad"}));
    stays.check_alive();
}

#[test]
fn an_agent_is_revoked_within_its_tenant_and_a_tenant_as_a_whole() {
    let gateway = Gateway::start();
    let one = |tenant: &str, agent: &str| token(&gateway, tenant, agent, None);
    let [mut bad, mut peer, mut namesake] = [("t", "bad"), ("t", "peer"), ("other", "bad")]
        .map(|(tenant, agent)| accepted(&gateway, &one(tenant, agent)));
    let done = revoke(&gateway, &json!({"tenant": "t", "agent": "bad"}));
    assert_eq!(done["revoked"], json!({"agent": ["t", "bad"]}));
    bad.closed(4401);
    check_refused(&gateway, &one("t", "bad"));
    peer.check_alive();
    namesake.check_alive();
    assert_eq!(revoke(&gateway, &json!({"tenant": "t"}))["revoked"], json!({"tenant": "t"}));
    peer.closed(4401);
    check_refused(&gateway, &one("t", "peer"));
    check_refused(&gateway, &one("t", "new"));
    namesake.check_alive();
    accepted(&gateway, &one("other", "bad")).check_alive();
}

#[test]
fn streams_and_keys_are_revoked_too() {
    let (key, entry) = ApiKeyEntry::fresh("acme", "ci", Vec::new(), None).expect("the members are right");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), json!([entry]).to_string()).expect("the file is ours");
    let gateway = Gateway::with(|config| config.auth.api_keys_file = Some(file.path().to_owned()));
    let mut http = Http::with_token(&gateway, &key);
    http.open_stream("GET", "/events", &[], None);
    http.sent();
    let mut client = accepted(&gateway, &key);
    revoke(&gateway, &json!({"token_id": format!("mcpw_{}", entry.id)}));
    let end = http.event();
    assert!(end.kind == "error" && end.data.contains("the token was revoked"), "{end:?}");
    http.stream_ended();
    client.closed(4401);
    check_refused(&gateway, &key);
}

#[test]
fn a_revocation_ends_with_its_time() {
    let gateway = Gateway::with(|config| config.auth.revocation_ttl_ms = 1_500);
    let token = token(&gateway, "t", "a", None);
    assert_eq!(revoke(&gateway, &json!({"tenant": "t"}))["ttl_ms"], 1_500);
    check_refused(&gateway, &token);
    until("the revocation to end", || (gateway.ask(&bearer(&gateway, &token)).status == 101).then_some(()));
}

#[test]
fn what_is_no_revocation_is_refused_and_changes_nothing() {
    let gateway = Gateway::with(|config| config.store.bounds.revocations = 1);
    let mut client = gateway.connect();
    let long = "x".repeat(129);
    for (wrong, status) in [
        (json!({}), 400),
        (json!([]), 400),
        (json!({"agent": "agent"}), 400),
        (json!({"token_id": "a", "tenant": "tenant"}), 400),
        (json!({"tenant": ""}), 400),
        (json!({"tenant": long}), 400),
        (json!({"tenant": "a\nb"}), 400),
        (json!({"tenant": 1}), 400),
        (json!({"tenant": "tenant", "agents": "agent"}), 400),
        (json!({"tenant": "tenant", "reason": "x".repeat(4_096)}), 400),
    ] {
        let response = gateway.admin_post(REVOKE, &wrong);
        assert_eq!(response.status, status, "{wrong}");
        assert!(!response.text().is_empty());
    }
    let response = gateway.admin(REVOKE);
    assert_eq!((response.status, response.header("Allow")), (405, Some("POST")));
    revoke(&gateway, &json!({"tenant": "another"}));
    let full = gateway.admin_post(REVOKE, &json!({"tenant": "tenant"}));
    assert_eq!(full.status, 503, "there is room for one");
    client.check_alive();
    gateway.connect().check_alive();
}

#[test]
fn a_hundred_connections_of_one_agent_end_together() {
    let gateway = Gateway::start();
    let token = token(&gateway, "t", "a", None);
    let mut clients: Vec<_> = (0..100).map(|_| accepted(&gateway, &token)).collect();
    let began = std::time::Instant::now();
    revoke(&gateway, &json!({"tenant": "t", "agent": "a"}));
    for client in &mut clients {
        client.closed(4401);
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}
