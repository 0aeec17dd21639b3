//! The client of Model Context Protocol against servers that do as each test says.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::mcp::{Asked, Refusal};
use client::{Error, Progress, Reconnect, State, Update};
use serde_json::{Value, json};

use crate::support::{Door, Gateway, Peer, gateway, house, start};

pub(crate) fn builder(gateway: &Gateway) -> client::mcp::Builder {
    gateway.returning_client().version("1").mcp().capabilities(json!({"elicitation": {}}))
}

pub(crate) fn response(request: &Value, result: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
}

/// What a gateway says of a session.
pub(crate) fn session(token: &str, resumed: bool, resend: &Value) -> Value {
    json!({"mcpw/session": {
        "session_id": "s", "resume_token": token, "resume_window_ms": 60000, "resumed": resumed, "resend": resend,
    }})
}

/// Answers `initialize` with this `_meta`, and returns its params.
pub(crate) async fn open(peer: &mut Peer, meta: Value) -> Value {
    let mut request = peer.receive().await;
    assert_eq!((&request["method"], &request["jsonrpc"]), (&json!("initialize"), &json!("2.0")));
    let result = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "mcpw", "version": "9"}, "_meta": meta,
    });
    peer.send(response(&request, result)).await;
    assert_eq!(peer.receive().await, json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    request["params"].take()
}

/// Answers `server/discover`.
pub(crate) async fn discover(peer: &mut Peer) {
    let request = peer.receive().await;
    assert_eq!(request["method"], "server/discover");
    assert_eq!(request["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    peer.send(response(&request, json!({"supportedVersions": ["2026-07-28"], "capabilities": {}}))).await;
}

pub(crate) async fn next_peer(door: &Door) -> Peer {
    let peer = door.peer().await;
    assert_eq!(peer.headers["sec-websocket-protocol"], "mcp");
    peer
}

#[tokio::test]
async fn a_session_is_opened_called_in_and_closed() {
    let gateway = gateway(async |mut peer: Peer| {
        assert_eq!(peer.headers["sec-websocket-protocol"], "mcp");
        let params = open(&mut peer, json!({})).await;
        assert_eq!(
            params,
            json!({
                "protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
                "clientInfo": {"name": "test", "version": "1"},
            })
        );
        let call = peer.receive().await;
        let token = call["params"]["_meta"]["progressToken"].clone();
        assert_eq!((&call["method"], &call["params"]["name"], &token), (&json!("tools/call"), &json!("t"), &call["id"]));
        peer.send(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 1, "total": 2}})).await;
        peer.send(json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}})).await;
        peer.send(response(&call, json!({"content": [], "odd": 1.5}))).await;
        // Late progress is nobody's.
        peer.send(json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": token, "progress": 2}})).await;
        peer.send(json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 2}})).await;
        let bad = peer.receive().await;
        let error = json!({"code": -32602, "message": "no such tool", "data": {"k": 1}});
        peer.send(json!({"jsonrpc": "2.0", "id": bad["id"], "error": error})).await;
        let late = peer.receive().await;
        assert_eq!(late["params"]["_meta"]["mcpw/timeoutMs"], 70);
        peer.send(json!({"jsonrpc": "2.0", "id": late["id"], "error": {"code": 4007, "message": "late"}})).await;
        assert_eq!(peer.close_frame().await.0, 1000);
        peer.close(1000, "").await;
    })
    .await;
    let client = builder(&gateway).connect().await.expect("a session");
    assert_eq!((client.session().server.version.as_str(), client.session().resumable), ("9", false));
    let mut notes = client.notifications();
    let mut call = client.call("tools/call", json!({"name": "t"})).await.expect("it is sent");
    let progress = Progress { progress: 1.0, total: Some(2.0), message: None };
    assert!(matches!(call.next().await, Some(Update::Progress(told)) if told == progress));
    assert_eq!(call.result().await.expect("a result").get(), r#"{"content":[],"odd":1.5}"#);
    let note = notes.next().await.expect("a notification").expect("one that was read in time");
    assert_eq!(
        (note.method.as_str(), note.params.get()),
        ("notifications/message", r#"{"data":1,"level":"info"}"#)
    );
    let note = notes.next().await.expect("a notification").expect("one that was read in time");
    assert_eq!(note.params.get(), r#"{"data":2,"level":"info"}"#);
    match client.request("tools/call", json!({"name": "?"})).await {
        Err(Error::JsonRpc { code: -32602, message, data: Some(data) }) => {
            assert_eq!((message.as_str(), data.get()), ("no such tool", r#"{"k":1}"#));
        }
        other => panic!("{other:?}"),
    }
    let request =
        client::Request::new("tools/list", json!({})).expect("JSON").timeout(Duration::from_millis(70));
    let late = client.start(request).await.expect("it is sent").result().await;
    assert!(matches!(late, Err(Error::Rpc { code: 4007, .. })), "{late:?}");
    let refused = client.request("tools/list", [1]).await;
    assert!(matches!(refused, Err(Error::Unsendable(_))), "{refused:?}");
    let refused = client.notify("notifications/roots/list_changed", [1]).await;
    assert!(matches!(refused, Err(Error::Unsendable(_))), "{refused:?}");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_fails_its_call_alone() {
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        let odd = peer.receive().await;
        let other = peer.receive().await;
        peer.send(response(&odd, json!([1]))).await;
        peer.send(json!({"jsonrpc": "2.0", "id": other["id"], "error": {"code": "none"}})).await;
        peer.receive().await;
        // It answers nothing.
        peer.send(json!({"jsonrpc": "2.0", "id": "none", "result": [1]})).await;
        assert_eq!(peer.close_frame().await.0, 1008);
    })
    .await;
    let client = builder(&gateway).connect().await.expect("a session");
    let odd = client.call("tools/call", json!({"name": "odd"})).await.expect("it is sent");
    let other = client.request("tools/call", json!({"name": "other"})).await;
    for failed in [odd.result().await, other] {
        assert!(matches!(failed, Err(Error::Protocol(_))), "{failed:?}");
    }
    let last = client.request("tools/call", json!({"name": "last"})).await.expect_err("the end");
    assert!(matches!(&last, Error::Protocol(reason) if reason.contains("result")), "{last:?}");
    gateway.finish().await;
}

#[tokio::test]
async fn a_call_in_flight_survives_its_pod_by_a_resume_at_the_next() {
    let doomed = house(async |door: Door| {
        let mut peer = next_peer(&door).await;
        open(&mut peer, session("one", false, &json!([]))).await;
        let call = peer.receive().await;
        assert_eq!((&call["id"], &call["params"]["name"]), (&json!(2), &json!("slow")));
    })
    .await;
    let other = house(async |door: Door| {
        let mut peer = next_peer(&door).await;
        let params = open(&mut peer, session("two", true, &json!([2]))).await;
        let mut resume = params["_meta"]["mcpw/resume"].clone();
        let resume = resume.as_object_mut().expect("an object");
        assert!(resume.remove("attempt").is_some());
        let expected = json!({"session_id": "s", "resume_token": "one", "turn": 1, "unanswered": [2]});
        assert_eq!(json!(resume), expected);
        let call = peer.receive().await;
        assert_eq!((&call["id"], &call["params"]["name"]), (&json!(2), &json!("slow")), "sent again");
        peer.send(response(&call, json!({"content": ["done"]}))).await;
        assert_eq!(peer.close_frame().await.0, 1000);
        peer.close(1000, "").await;
    })
    .await;
    let client = doomed.returning_client().endpoint(&other.url).mcp().connect().await.expect("a session");
    let result = client.request("tools/call", json!({"name": "slow"})).await.expect("a result");
    assert_eq!(result.get(), r#"{"content":["done"]}"#);
    assert!(client.session().resumed);
    client.close().await;
    doomed.finish().await;
    other.finish().await;
}

#[tokio::test]
async fn the_first_connection_goes_to_whichever_endpoint_answers() {
    let nobody = "ws://127.0.0.1:1/mcp";
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = client::Client::builder(nobody).endpoint(&gateway.url).reconnect(Reconnect::never());
    let client = client.mcp().connect().await.expect("a session at the second");
    match client.states().current() {
        State::Connected { connection: 1, away, .. } => assert_eq!(away, Duration::ZERO),
        other => panic!("{other:?}"),
    }
    client.close().await;
    gateway.finish().await;
    let refused = client::Client::builder(nobody).endpoint(nobody).mcp().connect().await;
    assert!(matches!(refused, Err(Error::Connect { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_modern_call_is_sent_again_with_its_key() {
    let gateway = house(async |door: Door| {
        let mut keys = Vec::new();
        for attempt in 0..2 {
            let mut peer = next_peer(&door).await;
            discover(&mut peer).await;
            let call = peer.receive().await;
            let meta = &call["params"]["_meta"];
            assert_eq!(meta["io.modelcontextprotocol/clientInfo"], json!({"name": "test", "version": "1"}));
            assert_eq!(meta["io.modelcontextprotocol/clientCapabilities"], json!({"elicitation": {}}));
            keys.push(meta["mcpw/idempotencyKey"].clone());
            if attempt == 1 {
                peer.send(response(&call, json!({"resultType": "complete"}))).await;
                assert_eq!(peer.close_frame().await.0, 1000);
            }
        }
        assert!(keys[0].is_string());
        assert_eq!(keys[0], keys[1]);
    })
    .await;
    let client = builder(&gateway).modern().connect().await.expect("a connection");
    let result = client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    assert_eq!(result.get(), r#"{"resultType":"complete"}"#);
    client.close().await;
    gateway.finish().await;
}

pub(crate) async fn answers(asked: Asked) -> Result<Value, Refusal> {
    match &*asked.method {
        "elicitation/create" => Ok(json!({"action": "accept", "content": {"params": asked.params}})),
        _ => Err(Refusal::unknown(&asked)),
    }
}

#[tokio::test]
async fn a_server_that_asks_is_answered_by_the_handler() {
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        let call = peer.receive().await;
        let ask = |id: &str, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": {"m": 1}});
        peer.send(ask("mcpw:1:0", "elicitation/create")).await;
        let answer = peer.receive().await;
        assert_eq!(answer["result"], json!({"action": "accept", "content": {"params": {"m": 1}}}));
        assert_eq!(answer["id"], "mcpw:1:0");
        peer.send(ask("mcpw:1:1", "sampling/createMessage")).await;
        assert_eq!(peer.receive().await["error"]["code"], -32601);
        peer.send(ask("p", "ping")).await;
        assert_eq!(peer.receive().await, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
        peer.send(response(&call, json!({}))).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).on_request(answers).connect().await.expect("a session");
    client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_modern_result_that_asks_is_answered_by_the_handler_and_called_again() {
    let asks = json!({
        "resultType": "input_required", "requestState": "st",
        "inputRequests": {"who": {"method": "elicitation/create", "params": {"q": 1}}},
    });
    let again = asks.clone();
    let gateway = gateway(async move |mut peer: Peer| {
        discover(&mut peer).await;
        let call = peer.receive().await;
        peer.send(response(&call, asks.clone())).await;
        let next = peer.receive().await;
        assert_eq!(next["id"], call["id"]);
        let params = &next["params"];
        assert_eq!((&params["name"], &params["requestState"]), (&json!("t"), &json!("st")));
        assert_eq!(params["inputResponses"]["who"]["content"]["params"], json!({"q": 1}));
        let key = |call: &Value| call["params"]["_meta"]["mcpw/idempotencyKey"].clone();
        assert_eq!(key(&next), key(&call));
        peer.send(response(&next, json!({"resultType": "complete"}))).await;
        // Without a handler it is the caller's.
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).modern().on_request(answers).connect().await.expect("a connection");
    let result = client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    assert_eq!(result.get(), r#"{"resultType":"complete"}"#);
    client.close().await;
    gateway.finish().await;

    let asks = again;
    let gateway = crate::support::gateway(async move |mut peer: Peer| {
        discover(&mut peer).await;
        let call = peer.receive().await;
        peer.send(response(&call, asks)).await;
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).modern().connect().await.expect("a connection");
    let result = client.request("tools/call", json!({"name": "t"})).await.expect("a result");
    assert!(result.get().contains("input_required"), "{result}");
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_call_is_cancelled_by_a_notification_and_ends_at_once() {
    let (told, mut heard) = tokio::sync::mpsc::channel(1);
    let gateway = gateway(async move |mut peer: Peer| {
        open(&mut peer, json!({})).await;
        for _ in 0..2 {
            let call = peer.receive().await;
            told.send(()).await.expect("the test waits");
            let cancelled = peer.receive().await;
            assert_eq!(
                cancelled,
                json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call["id"]}})
            );
            told.send(()).await.expect("the test waits");
        }
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).connect().await.expect("a session");
    let call = client.call("tools/call", json!({"name": "t"})).await.expect("it is sent");
    heard.recv().await.expect("it was sent");
    assert!(call.cancel().await.expect("it runs"));
    assert!(!call.cancel().await.expect("it has ended"));
    let end = call.result().await;
    assert!(matches!(end, Err(Error::Rpc { code: 4008, .. })), "{end:?}");
    heard.recv().await.expect("it was cancelled");
    let call = client.call("tools/call", json!({"name": "t"})).await.expect("it is sent");
    heard.recv().await.expect("it was sent");
    drop(call);
    // The close frame stands behind the notification.
    client.close().await;
    gateway.finish().await;
}

#[tokio::test]
async fn a_call_that_is_dropped_without_a_connection_is_cancelled_on_the_next_of_its_session() {
    for resumed in [true, false] {
        let gateway = house(async move |door: Door| {
            let mut peer = next_peer(&door).await;
            open(&mut peer, session("one", false, &json!([]))).await;
            let call = peer.receive().await;
            drop(peer);
            let mut peer = next_peer(&door).await;
            let params = open(&mut peer, session("two", resumed, &json!([]))).await;
            assert_eq!(params["_meta"]["mcpw/resume"]["unanswered"], json!([call["id"]]));
            if resumed {
                let cancelled = peer.receive().await;
                assert_eq!(
                    (&cancelled["method"], &cancelled["params"]),
                    (&json!("notifications/cancelled"), &json!({"requestId": call["id"]}))
                );
            }
            assert_eq!(peer.close_frame().await.0, 1000);
        })
        .await;
        let client = builder(&gateway).connect().await.expect("a session");
        let call = client.call("tools/call", json!({"name": "t"})).await.expect("it is sent");
        let mut states = client.states();
        while !matches!(states.next().await.expect("a state"), State::Reconnecting { .. }) {}
        drop(call);
        while !matches!(states.next().await.expect("a state"), State::Connected { connection: 2, .. }) {}
        client.close().await;
        gateway.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_says_nothing_is_left_after_three_heartbeats() {
    let gateway = house(async |door: Door| {
        let mut peer = next_peer(&door).await;
        open(&mut peer, session("one", false, &json!([]))).await;
        // It reads no more, so that no ping is answered.
        let silent = start(async move {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            drop(peer);
        });
        let mut peer = next_peer(&door).await;
        open(&mut peer, session("two", true, &json!([]))).await;
        silent.abort();
        assert_eq!(peer.close_frame().await.0, 1000);
    })
    .await;
    let client = builder(&gateway).heartbeat(Duration::from_secs(2)).connect().await.expect("a session");
    let mut states = client.states();
    while !matches!(states.next().await.expect("a state"), State::Connected { connection: 2, .. }) {}
    client.close().await;
    gateway.finish().await;
}

/// A JWT that nobody signed, which runs out in about a quarter of an hour.
fn token(number: u64) -> String {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = URL_SAFE_NO_PAD.encode(json!({"exp": now + 1_000 + number}).to_string());
    format!("e30.{claims}.c2ln")
}

#[tokio::test(start_paused = true)]
async fn a_token_that_runs_out_is_replaced_by_another_connection() {
    let gateway = house(async |door: Door| {
        let mut first = next_peer(&door).await;
        open(&mut first, session("one", false, &json!([]))).await;
        let mut second = next_peer(&door).await;
        assert_ne!(first.headers["authorization"], second.headers["authorization"]);
        let params = open(&mut second, session("two", true, &json!([]))).await;
        assert_eq!(params["_meta"]["mcpw/resume"]["resume_token"], "one");
        assert_eq!(second.close_frame().await.0, 1000);
    })
    .await;
    let given = AtomicU64::new(0);
    let source =
        move || std::future::ready(Ok::<_, Infallible>(token(given.fetch_add(1, Ordering::Relaxed))));
    let client = gateway.returning_client().token_source(source).mcp().heartbeat(Duration::from_secs(10_000));
    let client = client.connect().await.expect("a session");
    let mut states = client.states();
    while !matches!(states.next().await.expect("a state"), State::Connected { connection: 2, .. }) {}
    client.close().await;
    gateway.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_come_back_stays_while_its_token_runs_out() {
    let gateway = gateway(async |mut peer: Peer| {
        open(&mut peer, session("one", false, &json!([]))).await;
        tokio::time::sleep(Duration::from_secs(1_000)).await;
        peer.close(4401, "the token has expired").await;
        assert_eq!(peer.close_frame().await.0, 4401);
    })
    .await;
    let source = || std::future::ready(Ok::<_, Infallible>(token(0)));
    let client = gateway.client().token_source(source).mcp().heartbeat(Duration::ZERO);
    let client = client.connect().await.expect("a session");
    assert!(matches!(client.closed().await, Error::Closed { code: 4401, .. }));
    gateway.finish().await;
}
