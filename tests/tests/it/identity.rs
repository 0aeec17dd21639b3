//! Who may come in: tokens at the upgrade.

use auth::Claims;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::{Gateway, Keys, Request, Response, until};

const UNAUTHORIZED: &str = "websocket_handshakes_refused_total{reason=\"unauthorized\"}";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

fn bearer(gateway: &Gateway, token: &str) -> Request {
    gateway.upgrade().replace("Authorization", &format!("Bearer {token}"))
}

/// The upgrade is answered with 401 and counted once.
fn refused(gateway: &Gateway, request: &Request) -> Response {
    let before = gateway.metrics().value(UNAUTHORIZED);
    let response = gateway.ask(request);
    assert_eq!(response.status, 401, "{response:?}");
    let challenge = response.header("WWW-Authenticate").expect("it says what is needed");
    assert!(challenge.starts_with("Bearer realm="), "{challenge}");
    gateway.await_metric(UNAUTHORIZED, before + 1.0);
    gateway.await_metric("websocket_connections_total", 0.0);
    response
}

fn challenge(response: &Response) -> &str {
    response.header("WWW-Authenticate").unwrap_or_default()
}

#[test]
fn no_token() {
    let gateway = Gateway::start();
    let response = refused(&gateway, &gateway.upgrade().without("Authorization"));
    // RFC 6750 section 3.1: without a token there is no error to name.
    assert!(!challenge(&response).contains("error="), "{response:?}");
    assert!(response.error().contains("token"));
}

#[test]
fn a_token_is_not_needed_where_the_operator_says_so() {
    let gateway = Gateway::with(|config| config.auth.required = false);
    gateway.accepted(&gateway.upgrade().without("Authorization")).check_alive();
    // One that is shown must hold all the same.
    let response = gateway.ask(&bearer(&gateway, "garbage"));
    assert_eq!(response.status, 401, "{response:?}");
}

#[test]
fn expired() {
    let gateway = Gateway::with(|config| config.auth.leeway_s = 0);
    let request = bearer(&gateway, &gateway.keys.token_for(Duration::from_secs(1)));
    let response = until("the refusal of a token that has expired", || {
        let mut socket = gateway.open();
        socket.send(&request.bytes());
        let response = socket.response();
        (response.status != 101).then_some(response)
    });
    assert_eq!(response.status, 401, "{response:?}");
    assert!(challenge(&response).contains("error=\"invalid_token\""), "{response:?}");
    assert!(response.error().contains("expired"), "{response:?}");
    gateway.await_metric(UNAUTHORIZED, 1.0);
}

#[test]
fn not_yet() {
    let gateway = Gateway::start();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_secs();
    let token = gateway.keys.mint(&Claims { not_before: Some(now + 1_000), ..Keys::claims() });
    assert!(refused(&gateway, &bearer(&gateway, &token)).error().contains("not valid yet"));
}

#[test]
fn garbage() {
    let gateway = Gateway::start();
    for token in ["x", "a.b.c", "..", "eyJhbGciOiJIUzI1NiJ9.e30.", "%00", "a b"] {
        let response = refused(&gateway, &bearer(&gateway, token));
        assert!(challenge(&response).contains("error=\"invalid_token\""), "{token}: {response:?}");
    }
    for value in ["", "Bearer", "Basic dXNlcjpwYXNz", &gateway.keys.token()] {
        refused(&gateway, &gateway.upgrade().replace("Authorization", value));
    }
}

#[test]
fn the_key_of_another_gateway_opens_nothing() {
    let gateway = Gateway::start();
    let response = refused(&gateway, &bearer(&gateway, &Keys::fresh().token()));
    assert!(response.error().contains("signature"), "{response:?}");
}

#[test]
fn alg_none() {
    let gateway = Gateway::start();
    let token = gateway.keys.token();
    let payload = token.split('.').nth(1).expect("a token has three parts");
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"None","typ":"JWT"}"#, r#"{"typ":"JWT"}"#] {
        let header = BASE64_URL_SAFE_NO_PAD.encode(header);
        refused(&gateway, &bearer(&gateway, &format!("{header}.{payload}.")));
    }
}

#[test]
fn tampered_payload() {
    let gateway = Gateway::start();
    let token = gateway.keys.token();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token}") };
    let claims = BASE64_URL_SAFE_NO_PAD.decode(payload).expect("a payload is base64");
    let claims =
        String::from_utf8(claims).expect("claims are text").replace("tenant\":\"tenant", "tenant\":\"other");
    let payload = BASE64_URL_SAFE_NO_PAD.encode(claims);
    refused(&gateway, &bearer(&gateway, &format!("{header}.{payload}.{signature}")));
}

#[test]
fn oversized_token() {
    let gateway = Gateway::start();
    let response = refused(&gateway, &bearer(&gateway, &"x".repeat(8_193)));
    assert!(response.error().contains("too long"), "{response:?}");
}

#[test]
fn two_authorization_headers() {
    let gateway = Gateway::start();
    let second = format!("Bearer {}", gateway.keys.token());
    refused(&gateway, &gateway.upgrade().with("Authorization", &second));
}

#[test]
fn token_in_query() {
    let gateway = Gateway::start();
    let token = gateway.keys.token();
    for name in ["token", "access_token", "Authorization", "jwt"] {
        // Neither instead of the header nor beside it.
        let line = format!("GET /ws?{name}={token} HTTP/1.1");
        refused(&gateway, &gateway.upgrade().without("Authorization").line(&line));
    }
    for name in ["token", "access_token"] {
        let line = format!("GET /ws?a=b&{name}={token} HTTP/1.1");
        refused(&gateway, &gateway.upgrade().line(&line));
    }
}

#[test]
fn a_token_may_come_as_a_subprotocol() {
    let gateway = Gateway::start();
    let token = gateway.keys.token();
    for offered in [format!("mcp.v1, mcpw.bearer.{token}"), format!("mcpw.bearer.{token},mcp.v1")] {
        let request = gateway.upgrade().without("Authorization").with(PROTOCOL, &offered);
        let mut client = gateway.accepted(&request);
        assert_eq!(client.response.header(PROTOCOL), Some("mcp.v1"), "the token is never sent back");
        client.check_alive();
    }
}

#[test]
fn a_token_as_a_subprotocol_must_hold_too() {
    let gateway = Gateway::start();
    let foreign = Keys::fresh().token();
    let bare = gateway.upgrade().without("Authorization");
    refused(&gateway, &bare.clone().with(PROTOCOL, &format!("mcp.v1, mcpw.bearer.{foreign}")));
    refused(&gateway, &bare.clone().with(PROTOCOL, "mcp.v1, mcpw.bearer."));
    let token = gateway.keys.token();
    // Two tokens could be two people.
    let both = gateway.upgrade().with(PROTOCOL, &format!("mcp.v1, mcpw.bearer.{token}"));
    refused(&gateway, &both);
    // The token is no subprotocol to speak.
    let alone = gateway.ask(&bare.with(PROTOCOL, &format!("mcpw.bearer.{token}")));
    assert_eq!(alone.status, 400, "{alone:?}");
}
