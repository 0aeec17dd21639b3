//! Calls to a real backend, over real gRPC: how many, how long, under which ids.

use gateway::Config;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tests::{Client, Gateway, Packet, Tools, Type};

fn start(configure: impl FnOnce(&mut Config)) -> (Gateway, Tools, Client) {
    let gateway = Gateway::with(configure);
    let tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    (gateway, tools, client)
}

fn sleep(ms: u64) -> Value {
    json!({"tool": "sleep", "args": {"ms": ms}})
}

/// The next message that is no progress.
fn answer(client: &mut Client) -> Value {
    loop {
        let message = client.message();
        if message["method"] != "tool.progress" {
            return message;
        }
    }
}

fn is_error(message: &Value, id: &str, code: u16) -> String {
    assert_eq!((&message["id"], &message["error"]["code"]), (&json!(id), &json!(code)), "{message}");
    message["error"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_tool_is_executed_and_its_result_is_the_same_bytes() {
    let (gateway, _tools, mut client) = start(|_| {});
    client.text(r#"{"id":1,"type":0,"method":"tool.execute","params":{"tool":"echo","args":{"a":1.0, "b":"\u00e9"}}}"#);
    assert_eq!(client.frame("a result").text(), r#"{"id":1,"type":1,"result":{"a":1.0, "b":"\u00e9"}}"#);
    gateway.await_metric("backend_calls_total", 1.0);
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn args_of_the_wrong_shape_are_4005_and_name_the_field() {
    let (_gateway, _tools, mut client) = start(|_| {});
    for args in [json!({"ms": "soon"}), json!({}), json!({"ms": 1, "more": 2}), json!({"ms": 600_001})] {
        let error = client.ask_wrong("tool.execute", &json!({"tool": "sleep", "args": args}), 4005);
        assert!(error.contains(if args["more"].is_null() { "ms" } else { "more" }), "{args}: {error}");
    }
}

#[test]
fn id_reused_in_flight() {
    let (gateway, _tools, mut client) = start(|_| {});
    client.request("twice", "tool.execute", &sleep(60_000));
    for again in ["\"twice\"", r#""\u0074wice""#] {
        client.text(&format!(
            r#"{{"id":{again},"type":0,"method":"tool.execute","params":{{"tool":"echo","args":1}}}}"#
        ));
        let text = is_error(&answer(&mut client), "twice", 4005);
        assert!(text.contains("id"), "{text}");
    }
    gateway.await_metric("websocket_errors_total{type=\"invalid_params\"}", 2.0);
    // The first one still runs, and is the one that a cancel means.
    client.request("end", "tool.cancel", &json!({"id": "twice"}));
    let (first, second) = (answer(&mut client), answer(&mut client));
    let (cancelled, ended) = if first["id"] == "end" { (second, first) } else { (first, second) };
    is_error(&cancelled, "twice", 4008);
    assert_eq!(ended["result"], json!({"cancelled": true}));
    // Its id is free now.
    client.request("twice", "tool.execute", &json!({"tool": "echo", "args": [1]}));
    assert_eq!(answer(&mut client)["result"], json!([1]));
}

#[test]
fn ids_of_two_connections_have_nothing_to_do_with_each_other() {
    let (gateway, _tools, mut client) = start(|_| {});
    let mut other = gateway.connect();
    other.await_tool("sleep");
    client.request("same", "tool.execute", &sleep(60_000));
    other.request("same", "tool.execute", &json!({"tool": "echo", "args": [1]}));
    assert_eq!(answer(&mut other)["result"], json!([1]));
    assert_eq!(other.ask("tool.cancel", &json!({"id": "same"})), json!({"cancelled": false}));
}

#[test]
fn too_many_in_flight() {
    let (gateway, _tools, mut client) = start(|config| config.websocket.max_in_flight = 4);
    for id in ["1", "2", "3", "4"] {
        client.request(id, "tool.execute", &sleep(60_000));
    }
    client.request("5", "tool.execute", &sleep(1));
    let text = is_error(&answer(&mut client), "5", 4014);
    assert!(text.contains("max_in_flight") && text.contains('4'), "{text}");
    gateway.await_metric("websocket_errors_total{type=\"too_many_in_flight\"}", 1.0);
    gateway.await_metric("backend_calls_in_flight", 4.0);
    // What the gateway answers itself is answered all the same, and other connections are not concerned.
    client.request("echo", "echo", &json!(1));
    assert_eq!(answer(&mut client)["id"], "echo");
    let mut other = gateway.connect();
    other.await_tool("echo");
    assert_eq!(other.ask("tool.execute", &json!({"tool": "echo", "args": [1]})), json!([1]));
    // A place that became free is taken again.
    client.request("cancel", "tool.cancel", &json!({"id": "2"}));
    let (first, second) = (answer(&mut client), answer(&mut client));
    is_error(if first["id"] == "2" { &first } else { &second }, "2", 4008);
    client.request("6", "tool.execute", &json!({"tool": "echo", "args": [6]}));
    assert_eq!(answer(&mut client)["result"], json!([6]));
}

#[test]
fn max_in_flight_calls_run_at_once() {
    let (gateway, _tools, mut client) = start(|_| {});
    let batch = |ids: std::ops::Range<u64>| -> Value {
        let request = |id| json!({"id": id, "type": 0, "method": "tool.execute", "params": sleep(60_000)});
        ids.map(request).collect()
    };
    for from in [0, 100] {
        client.json(&batch(from..from + 100));
    }
    client.json(&batch(200..256));
    gateway.await_metric("backend_calls_in_flight", 256.0);
    client.json(&batch(256..257));
    let error = answer(&mut client);
    assert_eq!((&error["id"], &error["error"]["code"]), (&json!(256), &json!(4014)));
    // When the client goes, its calls go too.
    client.reset_now();
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_call_with_progress_is_cancelled_while_others_are_answered() {
    let (_gateway, _tools, mut client) = start(|_| {});
    client.request("long", "tool.execute", &sleep(60_000));
    for _ in 0..2 {
        let progress = client.message();
        assert_eq!(
            (&progress["type"], &progress["method"]),
            (&json!(2), &json!("tool.progress")),
            "{progress}"
        );
        assert_eq!(progress["params"]["id"], "long");
        assert_eq!(progress["params"]["total"], 60_000);
        assert!(progress["params"]["progress"].as_f64().is_some_and(|ms| ms >= 90.0), "{progress}");
    }
    client.request("between", "echo", &json!("now"));
    assert_eq!(answer(&mut client)["result"], "now");
    let start = Instant::now();
    client.request("stop", "tool.cancel", &json!({"id": "long"}));
    let (first, second) = (answer(&mut client), answer(&mut client));
    assert!(start.elapsed() < Duration::from_secs(1), "cancelled after {:?}", start.elapsed());
    is_error(if first["id"] == "long" { &first } else { &second }, "long", 4008);
    // Nothing of it comes later.
    client.check_alive();
}

#[test]
fn a_call_over_its_deadline_is_4007() {
    let (gateway, _tools, mut client) = start(|_| {});
    let start = Instant::now();
    let mut params = sleep(60_000);
    params["timeout_ms"] = json!(150);
    client.request("late", "tool.execute", &params);
    is_error(&answer(&mut client), "late", 4007);
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(150) && took < Duration::from_secs(5), "after {took:?}");
    gateway.await_metric("websocket_errors_total{type=\"deadline_exceeded\"}", 1.0);
    gateway.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn a_batch_of_ten_calls_is_answered_each_once() {
    let (_gateway, _tools, mut client) = start(|_| {});
    let call = |id| json!({"id": id, "type": 0, "method": "tool.execute", "params": {"tool": "echo", "args": {"n": id}}});
    client.json(&(0..10).map(call).collect());
    let mut seen = [false; 10];
    for _ in 0..10 {
        let message = answer(&mut client);
        let id = message["id"].as_u64().expect("an id of the batch") as usize;
        assert_eq!(message["result"], json!({"n": id}));
        assert!(!std::mem::replace(&mut seen[id], true), "{id} was answered twice");
    }
    client.check_alive();
}

#[test]
fn calls_about_one_context_run_one_after_another() {
    let (_gateway, _tools, mut client) = start(|_| {});
    let mut slow = sleep(250);
    slow["context_id"] = json!("c-1");
    client.request("slow", "tool.execute", &slow);
    client.request("after", "tool.execute", &json!({"tool": "echo", "args": [1], "context_id": "c-1"}));
    client.request("beside", "tool.execute", &json!({"tool": "echo", "args": [2], "context_id": "c-2"}));
    let order: Vec<_> = (0..3).map(|_| answer(&mut client)["id"].clone()).collect();
    assert_eq!(order, ["beside", "slow", "after"]);
}

#[test]
fn binary_calls_have_progress_and_results_under_their_sequence_id() {
    let (gateway, _tools, _client) = start(|_| {});
    let mut client = gateway.connect_binary();
    tests::until("the tools on this shard", || {
        client.packet(&Packet::request(1, 2, b"{}"));
        client.reply().json()["tools"].as_array().is_some_and(|tools| !tools.is_empty()).then_some(())
    });
    client.packet(&Packet::request(7, 3, br#"{"tool":"sleep","args":{"ms":250}}"#));
    let progress = client.reply();
    assert_eq!((progress.kind, progress.method, progress.sequence_id), (Type::NOTIFICATION, 17, 7));
    assert_eq!(progress.json()["id"], 7);
    let result =
        std::iter::repeat_with(|| client.reply()).find(|reply| reply.method != 17).expect("an answer");
    assert_eq!((result.kind, result.method, result.sequence_id), (Type::RESPONSE, 3, 7));
    assert!(result.json()["slept_ms"].as_u64().is_some_and(|ms| ms >= 250), "{result:?}");
    // An id that is used again while its call runs.
    client.packet(&Packet::request(8, 3, br#"{"tool":"sleep","args":{"ms":60000}}"#));
    client.packet(&Packet::request(8, 3, br#"{"tool":"echo","args":1}"#));
    assert!(client.reply().error(8, 4005).contains("id"));
}

#[test]
fn a_backend_that_breaks_off_fails_its_calls_with_4009() {
    let (gateway, tools, mut client) = start(|_| {});
    for id in ["1", "2", "3"] {
        client.request(id, "tool.execute", &sleep(60_000));
    }
    gateway.await_metric("backend_calls_in_flight", 3.0);
    let start = Instant::now();
    drop(tools);
    for _ in 0..3 {
        let message = answer(&mut client);
        assert_eq!(message["error"]["code"], 4009, "{message}");
    }
    assert!(start.elapsed() < Duration::from_secs(1), "only after {:?}", start.elapsed());
    gateway.await_metric("websocket_errors_total{type=\"backend_unavailable\"}", 3.0);
    gateway.await_metric("backend_tools", 0.0);
}
