//! A drain as operators begin and follow it.

use crate::{Operator, process};
use serde_json::json;
use tests::{Session, Tools, until};

#[test]
fn a_drain_tells_how_far_it_is_until_the_process_ends() {
    let mut gateway = process(|config| {
        config.drain.delay_ms = 1_000;
        config.drain.timeout_ms = 20_000;
    });
    let _tools = Tools::at(&gateway);
    let operator = Operator::local(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    let mut session = Session::initialize(client, json!({}));
    session.call("slow", "sleep", &json!({"ms": 3_000}));
    gateway.await_metric("backend_calls_in_flight", 1.0);
    assert_eq!(operator.get("/admin/v1/drain"), json!({"state": "serving", "connections": 1}));
    let begun = operator.ask("POST", "/admin/v1/drain");
    assert_eq!(begun.status, 202);
    until("the delay", || (operator.get("/admin/v1/drain")["state"] == "delay").then_some(()));
    let closing = until("all to be told", || {
        let progress = operator.get("/admin/v1/drain");
        (progress["state"] == "closing").then_some(progress)
    });
    assert_eq!(closing["connections"], 1, "its call still runs");
    session.await_close(1012);
    drop(session);
    assert!(gateway.await_exit().success());
}
