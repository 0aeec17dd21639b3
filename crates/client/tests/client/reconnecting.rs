//! Whether and when a client comes back, and what it tells of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{Client, Error, Reconnect, State};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::{Door, connected, house, reconnecting, resumable, resumed};

#[tokio::test]
async fn the_states_tell_of_the_loss_and_of_the_return() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.close(1011, "bad luck").await;
        peer.close_frame().await;
        drop(peer);
        let (peer, _) = door.session(resumed("t-2")).await;
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    let mut states = client.states();
    match states.next().await {
        Some(State::Connected {
            session_id, resumable: true, resumed: false, connection: 1, away, ..
        }) => {
            assert_eq!((session_id.as_str(), away), ("s-1", Duration::ZERO));
        }
        other => panic!("{other:?}"),
    }
    let since = match states.next().await {
        Some(State::Reconnecting { since, attempt: 1, reason: Error::Closed { code: 1011, reason } }) => {
            assert_eq!(reason, "bad luck");
            since
        }
        other => panic!("{other:?}"),
    };
    match states.next().await {
        Some(State::Connected { resumed: true, recovered: true, connection: 2, away, .. }) => {
            assert!(away <= since.elapsed());
        }
        other => panic!("{other:?}"),
    }
    client.close().await;
    assert!(matches!(states.next().await, Some(State::Ended(Error::Closed { code: 1000, .. }))));
    assert!(states.next().await.is_none());
    assert!(matches!(states.current(), State::Ended(_)));
    gateway.finish().await;
}

/// The gateway closes with this code; the client ends.
async fn check_ends(code: u16) {
    let gateway = house(async move |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.receive().await;
        peer.close(code, "no").await;
        peer.close_frame().await;
    })
    .await;
    let client = gateway.returning_client().token("fixed").connect().await.expect("a client");
    match client.request("a", ()).await {
        Err(Error::Closed { code: given, reason }) => assert_eq!((given, reason.as_str()), (code, "no")),
        other => panic!("{code}: {other:?}"),
    }
    assert!(matches!(client.closed().await, Error::Closed { .. }));
    gateway.finish().await;
}

#[tokio::test]
async fn what_would_happen_again_ends_the_client() {
    for code in [1000, 1002, 1003, 1007, 1009, 4401, 4409, 4429] {
        check_ends(code).await;
    }
}

#[tokio::test]
async fn the_delay_of_a_draining_gateway_is_kept() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(resumable("t-1")).await;
        peer.receive().await;
        tokio::time::pause();
        let closed = Instant::now();
        peer.close(1012, "2500").await;
        peer.close_frame().await;
        drop(peer);
        let stream = door.stream().await;
        // The timer counts in milliseconds.
        assert!((2500..=2502).contains(&closed.elapsed().as_millis()), "{:?}", closed.elapsed());
        drop(stream);
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    client.notify("go", ()).await.expect("sent");
    gateway.finish().await;
}

#[tokio::test]
async fn a_client_that_finds_nobody_tries_again_and_again_until_it_gives_up() {
    let gateway = house(async |door: Door| {
        door.session(resumable("t-1")).await;
    })
    .await;
    let reconnect = Reconnect { give_up_after: Some(Duration::from_secs(600)), ..Reconnect::default() };
    let client = gateway.returning_client().reconnect(reconnect).connect().await.expect("a client");
    let call = client.call("a", ()).await.expect("a call");
    gateway.finish().await;
    tokio::time::pause();
    let lost = Instant::now();
    let mut attempts = 0;
    let mut states = client.states();
    loop {
        match states.next().await.expect("a state") {
            State::Reconnecting { attempt, .. } => attempts = attempt,
            State::Ended(error) => break assert!(matches!(error, Error::Connect { .. }), "{error:?}"),
            State::Connected { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    // On average five seconds lie between two attempts.
    assert!((60..300).contains(&attempts), "{attempts} attempts");
    assert!((580..=600).contains(&lost.elapsed().as_secs()), "{:?}", lost.elapsed());
    assert!(matches!(call.await, Err(Error::Connect { .. })));
}

#[tokio::test]
async fn a_gateway_without_room_is_asked_again_and_one_that_says_no_is_not() {
    for (status, comes_back) in [(503, true), (502, true), (403, false)] {
        let gateway = house(async move |door: Door| {
            drop(door.session(resumable("t-1")).await);
            door.refuse(&format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n\r\n")).await;
            if comes_back {
                door.session(resumed("t-2")).await.0.part().await;
            }
        })
        .await;
        let client = gateway.returning_client().connect().await.expect("a client");
        if comes_back {
            connected(&client, 2).await;
            client.close().await;
        } else {
            assert!(matches!(client.closed().await, Error::Refused { status: 403, .. }));
        }
        gateway.finish().await;
    }
}

#[tokio::test]
async fn the_first_attempt_is_the_only_one() {
    let gateway = house(async |door: Door| {
        door.refuse("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n").await;
    })
    .await;
    let error = gateway.returning_client().connect().await.expect_err("refused");
    assert!(matches!(error, Error::Refused { status: 503, .. }));
    gateway.finish().await;

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/ws", listener.local_addr().expect("an address"));
    drop(listener);
    let error = Client::builder(url).connect().await.expect_err("nobody listens");
    assert!(matches!(error, Error::Connect { .. }));
}

#[tokio::test]
async fn a_client_that_is_closed_while_it_is_away_ends_at_once() {
    let gateway = house(async |door: Door| {
        drop(door.session(resumable("t-1")).await);
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    gateway.finish().await;
    reconnecting(&client).await;
    let call = client.call("a", ()).await.expect("it waits");
    client.close().await;
    assert!(matches!(call.await, Err(Error::Closed { code: 1000, .. })));
    assert!(matches!(client.request("b", ()).await, Err(Error::Closed { code: 1000, .. })));
}

#[tokio::test]
async fn more_requests_than_the_queue_holds_wait_for_the_connection_and_lose_nothing() {
    let gateway = house(async |door: Door| {
        drop(door.session(resumable("t-1")).await);
        let (mut peer, _) = door.session(resumed("t-2")).await;
        for n in 0..1000 {
            let request = peer.receive().await;
            assert_eq!(request["params"], n);
            peer.answer(&request, request["params"].clone()).await;
        }
        peer.part().await;
    })
    .await;
    let client = gateway.returning_client().connect().await.expect("a client");
    reconnecting(&client).await;
    let mut calls = Vec::new();
    for n in 0..1000 {
        calls.push(client.call("echo", n).await.expect("a call"));
    }
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await.expect("a result").get(), n.to_string());
    }
    client.close().await;
    gateway.finish().await;
}

/// A JWT that lives so long, and that nobody has signed.
fn token(name: u32, life: Duration) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let claims = json!({"jti": name.to_string(), "exp": (now + life).as_secs()});
    format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Which token of a source this is.
fn name(token: &str) -> String {
    let claims = token.split('.').nth(1).expect("claims");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    serde_json::from_slice::<Value>(&claims).expect("JSON")["jti"].as_str().expect("a name").to_owned()
}

fn bearer(value: &hyper::header::HeaderValue) -> String {
    name(value.to_str().expect("ASCII").strip_prefix("Bearer ").expect("a token"))
}

/// Tokens that are named 1, 2, 3, and how many there were.
fn source(
    life: Duration,
) -> (Arc<AtomicU32>, impl Fn() -> std::future::Ready<Result<String, std::convert::Infallible>>) {
    let count = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&count);
    let source = move || std::future::ready(Ok(token(counted.fetch_add(1, Ordering::Relaxed) + 1, life)));
    (count, source)
}

#[tokio::test]
async fn an_expired_token_is_replaced_and_the_session_resumed() {
    let gateway = house(async |door: Door| {
        let mut peer = door.peer().await;
        assert_eq!(bearer(&peer.headers["authorization"]), "1");
        peer.initialize(resumable("t-1")).await;
        peer.close(4401, "the token has expired").await;
        peer.close_frame().await;
        drop(peer);
        door.refuse("HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n").await;
        let mut peer = door.peer().await;
        assert_eq!(bearer(&peer.headers["authorization"]), "3");
        let initialize = peer.initialize(resumed("t-2")).await;
        assert_eq!(initialize["params"]["resume"]["resume_token"], "t-1");
        peer.part().await;
    })
    .await;
    let (count, source) = source(Duration::from_secs(3600));
    let client = gateway.returning_client().token_source(source).connect().await.expect("a client");
    connected(&client, 2).await;
    client.close().await;
    assert_eq!(count.load(Ordering::Relaxed), 3);
    gateway.finish().await;
}

#[tokio::test]
async fn a_token_is_replaced_before_it_expires() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        let first = peer.receive().await;
        assert_eq!(first["method"], "session.refresh");
        assert_eq!(name(first["params"]["token"].as_str().expect("a token")), "2");
        peer.fail(&first, json!({"code": 4001, "message": "not yet valid"})).await;
        let second = peer.receive().await;
        assert_eq!(name(second["params"]["token"].as_str().expect("a token")), "3");
        peer.answer(&second, json!({"expires_at": null})).await;
        peer.close(1000, "").await;
    })
    .await;
    let (count, source) = source(Duration::from_secs(3600));
    let client = gateway.client().token_source(source).connect().await.expect("a client");
    tokio::time::pause();
    let started = Instant::now();
    client.closed().await;
    assert_eq!(count.load(Ordering::Relaxed), 3);
    // The wall clock stands still, so that both waits are four fifths of an hour.
    assert!((5755..=5765).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    gateway.finish().await;
}

#[tokio::test]
async fn a_source_that_fails_fails_the_first_attempt_with_its_reason() {
    let builder = Client::builder("ws://127.0.0.1:1/ws");
    let source = || std::future::ready(Err::<String, _>("the vault is sealed"));
    match builder.token_source(source).connect().await {
        Err(Error::Token(reason)) => assert_eq!(reason, "the vault is sealed"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_that_was_refreshed_by_hand_is_the_one_of_later_connections() {
    let gateway = house(async |door: Door| {
        let (mut peer, _) = door.session(json!({})).await;
        let refresh = peer.receive().await;
        peer.answer(&refresh, json!({"expires_at": 1_900_000_000})).await;
        peer.receive().await;
        drop(peer);
        let peer = door.peer().await;
        assert_eq!(peer.headers["authorization"], "Bearer new");
    })
    .await;
    let client = gateway.returning_client().token("old").connect().await.expect("a client");
    client.refresh("new").await.expect("accepted");
    client.notify("go", ()).await.expect("sent");
    gateway.finish().await;
}
