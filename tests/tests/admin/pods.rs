//! Two pods that share a store: each shows and ends sessions of the other.

use crate::{BINARY, Operator};
use serde_json::{Value, json};
use tests::{Pods, Session, until};

#[test]
fn a_session_of_another_pod_is_shown_and_ended_by_its_id() {
    let pods = Pods::new();
    let (here, there) = (pods.process(BINARY), pods.process(BINARY));
    let (local, remote) = (Operator::local(&here), Operator::local(&there));
    let mut session = Session::open(&there);
    session.subscribe(&["order.*"]);
    let id = session.opened["session_id"].as_str().expect("an id").to_owned();
    let path = format!("/admin/v1/sessions/{id}");
    let shown = until("the subscription to be saved", || {
        let shown = local.get(&path);
        (shown["store"]["subscriptions"] == json!(["order.*"])).then_some(shown)
    });
    assert_eq!(shown["here"], Value::Null, "{shown}");
    assert_eq!(shown["store"]["pod"], remote.get("/admin/v1/pod")["id"], "{shown}");
    assert_eq!(remote.get(&path)["here"]["id"], id);
    assert_eq!(local.get("/admin/v1/sessions")["sessions"], json!([]), "it is not open here");
    assert_eq!(remote.get("/admin/v1/sessions")["sessions"][0]["id"], id);
    let told = local.refused("GET", &format!("{path}/tail"), 409);
    assert!(told.contains(remote.get("/admin/v1/pod")["id"].as_str().expect("a name")), "{told}");

    let resume = session.resume(json!({}));
    let done = local.ask("DELETE", &path);
    assert_eq!(done.status, 200, "{}", done.text());
    assert_eq!(session.await_close(1000), "an operator ended the session");
    until("the session to be gone", || (remote.ask("GET", &path).status == 404).then_some(()));
    let afresh = Session::initialize(here.connect(), resume);
    assert_eq!(afresh.opened["resumed"], false, "{}", afresh.opened);
}

#[test]
fn a_session_that_moves_while_it_is_ended_is_over_all_the_same() {
    let pods = Pods::new();
    let (here, there) = (pods.process(BINARY), pods.process(BINARY));
    let local = Operator::local(&here);
    let session = Session::open(&there);
    let path = format!("/admin/v1/sessions/{}", session.opened["session_id"].as_str().expect("an id"));
    let mut moved = session.move_to(&here, json!({}));
    assert_eq!(moved.opened["resumed"], true);
    let resume = moved.resume(json!({}));
    assert_eq!(local.ask("DELETE", &path).status, 200);
    moved.await_close(1000);
    let afresh = Session::initialize(there.connect(), resume);
    assert_eq!(afresh.opened["resumed"], false, "{}", afresh.opened);
}
