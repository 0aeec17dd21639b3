//! Calls that are not waited for any longer: cancelled by their id, in every form that an id has, or left by their client.

use serde_json::{Value, json};
use tests::{Client, Draft, Gateway, Packet, Tools, until};

fn start() -> (Gateway, Tools, Client) {
    let gateway = Gateway::start();
    let tools = Tools::at(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    (gateway, tools, client)
}

/// Sends a long call under this id, written as JSON.
fn sleep_as(client: &mut Client, id: &str) {
    client.text(&format!(
        r#"{{"id":{id},"type":0,"method":"tool.execute","params":{{"tool":"sleep","args":{{"ms":60000}}}}}}"#
    ));
}

fn answer(client: &mut Client) -> Value {
    loop {
        let message = client.message();
        if message["method"] != "tool.progress" {
            return message;
        }
    }
}

#[test]
fn a_call_is_cancelled_by_its_id_in_whatever_form() {
    let (gateway, _tools, mut client) = start();
    for (id, target) in [
        ("5", "5"),
        ("-5", "-5"),
        ("18446744073709551615", "18446744073709551615"),
        ("\"5\"", "\"5\""),
        (r#""\u0061b""#, "\"ab\""),
        ("\"ab\"", r#""\u0061b""#),
        ("\"é\"", r#""\u00e9""#),
    ] {
        sleep_as(&mut client, id);
        client
            .text(&format!(r#"{{"id":"stop","type":0,"method":"tool.cancel","params":{{"id":{target}}}}}"#));
        let both = [answer(&mut client), answer(&mut client)];
        let of = |code: &Value| both.iter().filter(|message| message["error"]["code"] == *code).count();
        assert_eq!(of(&json!(4008)), 1, "{id} by {target}: {both:?}");
        let stopped = both.iter().find(|message| message["id"] == "stop").expect("the cancel is answered");
        assert_eq!(stopped["result"], json!({"cancelled": true}), "{id} by {target}");
    }
    gateway.await_metric("backend_calls_in_flight", 0.0);
    gateway.await_metric("websocket_errors_total{type=\"cancelled\"}", 7.0);
}

#[test]
fn the_number_5_is_not_the_text_5() {
    let (_gateway, _tools, mut client) = start();
    sleep_as(&mut client, "5");
    client.request("stop", "tool.cancel", &json!({"id": "5"}));
    assert_eq!(answer(&mut client)["result"], json!({"cancelled": false}));
    // Both may run at once.
    client.text(r#"{"id":"5","type":0,"method":"tool.execute","params":{"tool":"echo","args":"text"}}"#);
    let message = answer(&mut client);
    assert_eq!((&message["id"], &message["result"]), (&json!("5"), &json!("text")));
}

#[test]
fn a_cancel_may_be_a_notification() {
    let (_gateway, _tools, mut client) = start();
    sleep_as(&mut client, "\"long\"");
    client.json(&json!({"type": 2, "method": "tool.cancel", "params": {"id": "long"}}));
    let message = answer(&mut client);
    assert_eq!((&message["id"], &message["error"]["code"]), (&json!("long"), &json!(4008)));
    client.check_alive();
}

#[test]
fn a_binary_call_is_cancelled_by_its_sequence_id() {
    let (gateway, _tools, _client) = start();
    let mut client = gateway.connect_binary();
    until("the tools on this shard", || {
        client.packet(&Packet::request(1, 2, b"{}"));
        client.reply().json()["tools"].as_array().is_some_and(|tools| !tools.is_empty()).then_some(())
    });
    client.packet(&Packet::request(7, 3, br#"{"tool":"sleep","args":{"ms":60000}}"#));
    client.packet(&Packet::request(8, 7, br#"{"id":7}"#));
    let mut both = [client.reply(), client.reply()];
    both.sort_by_key(|reply| reply.sequence_id);
    both[0].error(7, 4008);
    assert_eq!(both[1].json(), json!({"cancelled": true}));
}

#[test]
fn a_call_that_waits_for_its_context_can_be_cancelled() {
    let (gateway, _tools, mut client) = start();
    let call = |id: &str, args: Value| json!({"id": id, "type": 0, "method": "tool.execute", "params": {"tool": "sleep", "args": args, "context_id": "c"}});
    client.json(&call("first", json!({"ms": 60_000})));
    client.json(&call("second", json!({"ms": 60_000})));
    client.json(&call("third", json!({"ms": 1})));
    gateway.await_metric("backend_calls_in_flight", 1.0);
    client.json(&json!({"type": 2, "method": "tool.cancel", "params": {"id": "second"}}));
    assert_eq!(answer(&mut client)["id"], "second");
    client.json(&json!({"type": 2, "method": "tool.cancel", "params": {"id": "first"}}));
    assert_eq!(answer(&mut client)["id"], "first");
    let third = answer(&mut client);
    assert!(third["id"] == "third" && third["result"]["slept_ms"].is_u64(), "{third}");
    gateway.await_metric("backend_calls_total", 2.0);
}

#[test]
fn calls_end_with_their_connection() {
    let leave: [fn(&mut Client); 4] = [
        |client| client.draft(&Draft::close(1000, b"")),
        |client| client.finish(),
        |client| client.draft(&Draft::text("").unmasked()),
        |client| client.json(&json!({"id": "end", "type": 0, "method": "session.close"})),
    ];
    let (gateway, _tools, _client) = start();
    for leave in leave {
        let mut client = gateway.connect();
        client.await_tool("sleep");
        for id in ["1", "2", "3"] {
            sleep_as(&mut client, id);
        }
        gateway.await_metric("backend_calls_in_flight", 3.0);
        leave(&mut client);
        gateway.await_metric("backend_calls_in_flight", 0.0);
    }
}
