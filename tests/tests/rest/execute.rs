//! Tools: listed, shown, executed, streamed; beside a WebSocket that hears of it.

use backend::{Backend, Call, Json, Tool};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::{Counter, Gateway, Http, Session, Tools, until};

use crate::{powerless, stranger};

#[test]
fn tools_are_listed_and_shown_as_on_a_websocket() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    let mut http = Http::knowing(&gateway, "sleep");
    let listed = http.get("/tools?prefix=s");
    assert_eq!(listed.status, 200);
    assert_eq!(listed.header("Content-Type"), Some("application/json"));
    assert_eq!(listed.json(), client.ask("tool.list", &json!({"prefix": "s"})));
    let shown = http.get("/tools/sleep");
    assert_eq!((shown.status, shown.json()), (200, listed.json()["tools"][0].clone()));
    http.get("/tools/nothing").problem(404, 4010);
}

#[test]
fn a_tool_is_executed_as_by_a_websocket() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("echo");
    let mut http = Http::knowing(&gateway, "echo");
    let args = json!({"text": "ä\n", "number": 1});
    let told = client.ask("tool.execute", &json!({"tool": "echo", "args": args}));
    for body in [json!({"arguments": args}), json!({"args": args, "timeout_ms": 1_000})] {
        let answer = http.post("/tools/echo/execute", &body);
        assert_eq!((answer.status, &answer.json()["result"]), (200, &told), "{answer:?}");
    }
    let answer = http.ask("POST", "/tools/echo/execute", &[], None);
    assert_eq!(answer.json()["result"], client.ask("tool.execute", &json!({"tool": "echo"})));
}

#[test]
fn an_execution_is_told_to_subscribers_within_50_ms() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("echo");
    session.subscribe(&["tool.*"]);
    let mut elsewhere = Session::initialize(
        gateway.accepted(
            &gateway.upgrade().replace("Authorization", &format!("Bearer {}", stranger(&gateway.keys))),
        ),
        json!({}),
    );
    elsewhere.subscribe(&["tool.*"]);
    let mut http = Http::knowing(&gateway, "echo");
    assert_eq!(http.post("/tools/echo/execute", &json!({"arguments": {"text": "x"}})).status, 200);
    let executed = Instant::now();
    let (_, name, data) = session.event();
    let took = executed.elapsed();
    assert_eq!((&*name, &data["tool"], &data["agent"]), ("tool.executed", &json!("echo"), &json!("agent")));
    assert!(took < Duration::from_millis(50), "{took:?}");
    assert_eq!(http.post("/tools/fs.read/execute", &json!({"arguments": {"path": "none"}})).status, 404);
    let (_, name, data) = session.event();
    assert_eq!((&*name, &data["code"]), ("tool.failed", &json!(4010)));
    // The other tenant's log has none of it: its first event is its own.
    elsewhere.publish("tool.mine", &json!(1));
    assert_eq!(elsewhere.event().0, 1);
}

#[test]
fn progress_and_parts_come_as_server_sent_events() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("sleep");
    let mut http = Http::knowing(&gateway, "sleep");
    let body = json!({"arguments": {"ms": 350}}).to_string();
    http.open_stream("POST", "/tools/sleep/execute", &[], Some(&body));
    let mut progress = 0;
    let last = loop {
        let sent = http.event();
        if sent.kind != "progress" {
            break sent;
        }
        assert_eq!(sent.json()["total"], 350, "{sent:?}");
        progress += 1;
    };
    assert!(progress >= 2, "{progress}");
    assert_eq!(last.kind, "result", "{last:?}");
    assert!(last.json()["slept_ms"].as_u64().is_some_and(|ms| ms >= 350), "{last:?}");
    http.stream_ended();
    // The connection goes on.
    let body = json!({"arguments": {"ms": 60_000}, "timeout_ms": 100}).to_string();
    http.open_stream("POST", "/tools/sleep/execute", &[], Some(&body));
    let last = loop {
        let sent = http.event();
        if sent.kind != "progress" {
            break sent;
        }
    };
    assert_eq!(
        (&*last.kind, &last.json()["code"], &last.json()["status"]),
        ("error", &json!(4007), &json!(504))
    );
    http.stream_ended();
    assert_eq!(http.get("/tools").status, 200);
}

#[test]
fn a_client_that_reads_more_slowly_than_the_result_streams_is_told_so() {
    let gateway = Gateway::with(|config| {
        config.runtime.shards = 1;
        config.websocket.max_unsent = 1 << 20;
        config.router.max_result_bytes = 64 << 20;
    });
    let is_told = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_told);
    let flood = Tool::new("flood", move |call: Call, _: Value| {
        let told = Arc::clone(&told);
        async move {
            let part = json!("x".repeat(256 << 10));
            // More than sockets hold.
            for _ in 0..128 {
                call.partial(Json(part.clone())).await?;
            }
            told.store(true, Ordering::Relaxed);
            // Nobody waits for it to end by itself.
            std::future::pending::<()>().await;
            Ok(Json(Value::Null))
        }
    });
    let _tools = Tools::serve(Backend::new("flood").tool(flood), &gateway);
    let mut http = Http::knowing(&gateway, "flood");
    http.open_stream("POST", "/tools/flood/execute", &[], Some(r#"{"arguments":{}}"#));
    until("all parts to be told", || is_told.load(Ordering::Relaxed).then_some(()));
    let last = loop {
        let sent = http.event();
        if sent.kind != "partial" {
            break sent;
        }
    };
    assert_eq!((&*last.kind, &last.json()["code"]), ("error", &json!(4012)), "{last:?}");
    http.stream_ended();
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_stream_on_which_nothing_happens_is_kept_alive() {
    let counter = Counter::new();
    let gateway = Gateway::with(|config| config.websocket.ping_interval_ms = 50);
    let _tools = Tools::serve(counter.backend(), &gateway);
    gateway.connect().await_tool("count.once");
    let mut http = Http::knowing(&gateway, "count.once");
    let body = json!({"arguments": {"key": "k", "held": true}}).to_string();
    http.open_stream("POST", "/tools/count.once/execute", &[], Some(&body));
    assert_eq!((http.sent().data, http.sent().data), (String::new(), String::new()));
    counter.let_go();
    assert_eq!(http.event().json()["executed"], 1);
}

#[test]
fn a_client_that_goes_cancels_what_it_asked_for() {
    let gateway = Gateway::start();
    let _tools = Tools::at(&gateway);
    gateway.connect().await_tool("sleep");
    for accept in ["application/json", "text/event-stream"] {
        let mut http = Http::knowing(&gateway, "sleep");
        let body = json!({"arguments": {"ms": 600_000}}).to_string();
        http.send("POST", "/tools/sleep/execute", &[("Accept", accept)], Some(&body));
        gateway.await_metric("backend_calls_in_flight", 1.0);
        drop(http);
        gateway.await_metric("backend_calls_in_flight", 0.0);
        gateway.await_metric("http_connections_active", 0.0);
    }
}

#[test]
fn what_a_token_may_not_do_is_refused() {
    let gateway = Gateway::start();
    let secret = |_call: Call, _args: backend::Raw| std::future::ready(Ok(1));
    let backend = Backend::new("guarded").tool(Tool::new("secret", secret).scope("secret:read"));
    let _backend = Tools::serve(backend, &gateway);
    gateway.connect().await_tool("secret");
    assert_eq!(
        Http::knowing(&gateway, "secret").post("/tools/secret/execute", &json!({})).json(),
        json!({"result": 1})
    );
    let mut http = Http::with_token(&gateway, &powerless(&gateway.keys));
    assert_eq!(http.get("/tools").json(), json!({"tools": []}));
    http.get("/tools/secret").problem(404, 4010);
    let detail = http.post("/tools/secret/execute", &json!({})).problem(403, 4013);
    assert!(detail.contains("secret:read"), "{detail}");
    http.post("/events", &json!({"name": "a"})).problem(403, 4013);
}
