//! Sessions: shown and ended, in one gateway.

use crate::{Operator, process};
use serde_json::{Value, json};
use tests::{Endpoints, Session, Tools, until};

fn path(session: &Session) -> String {
    format!("/admin/v1/sessions/{}", session.opened["session_id"].as_str().expect("an id"))
}

#[test]
fn a_session_is_shown_with_its_journal_wherever_its_client_is() {
    let gateway = process(|_| {});
    let _tools = Tools::at(&gateway);
    let operator = Operator::local(&gateway);
    let mut client = gateway.connect();
    client.await_tool("sleep");
    let mut session = Session::initialize(client, json!({}));
    session.subscribe(&["order.*", "shipped"]);
    session.call("slow", "sleep", &json!({"ms": 60_000}));
    let path = path(&session);
    let shown = until("the journal to have the call", || {
        let shown = operator.get(&path);
        (shown["store"]["journal"]["running"] == 1).then_some(shown)
    });
    assert_eq!(shown["here"]["epoch"], 1, "{shown}");
    assert_eq!(shown["here"]["subscriptions"], json!(["order.*", "shipped"]), "{shown}");
    assert_eq!(shown["store"]["attached"], true, "{shown}");
    assert_eq!(shown["store"]["pod"], operator.get("/admin/v1/pod")["id"], "{shown}");
    assert!(shown["store"]["expires_in_ms"].as_u64() > Some(1_000), "{shown}");
    session.cut(json!({}));
    let shown = until("the session to wait for its client", || {
        let shown = operator.get(&path);
        (shown["store"]["attached"] == false).then_some(shown)
    });
    assert_eq!(shown["here"], Value::Null, "{shown}");
    assert_eq!(shown["store"]["subscriptions"], json!(["order.*", "shipped"]), "{shown}");
}

fn check_over(gateway: &Endpoints, resume: Value) {
    let afresh = Session::initialize(gateway.connect(), resume);
    assert_eq!(afresh.opened["resumed"], false, "{}", afresh.opened);
}

#[test]
fn an_ended_session_is_over_for_its_client() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    let mut session = Session::open(&gateway);
    let path = path(&session);
    let resume = session.resume(json!({}));
    let done = operator.ask("DELETE", &path);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(done.json()["problem"], Value::Null);
    assert_eq!(session.await_close(1000), "an operator ended the session");
    operator.refused("GET", &path, 404);
    operator.refused("DELETE", &path, 404);
    check_over(&gateway, resume);
}

#[test]
fn a_session_that_waits_for_its_client_is_ended_too() {
    let gateway = process(|_| {});
    let operator = Operator::local(&gateway);
    let session = Session::open(&gateway);
    let path = path(&session);
    let resume = session.cut(json!({}));
    until("the session to wait", || (operator.get(&path)["store"]["attached"] == false).then_some(()));
    assert_eq!(operator.ask("DELETE", &path).status, 200);
    check_over(&gateway, resume);
}
