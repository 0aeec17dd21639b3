//! The promise about calls: each is answered, with its result or with an honest 4006, and none that may not be
//! executed twice is.

use crate::process;
use serde_json::{Value, json};
use tests::{Counter, Gateway, Pods, Session, Tools};

fn held(key: &str) -> Value {
    json!({"key": key, "held": true})
}

/// A gateway with a counting backend, and a session that sees its tools.
fn counted() -> (Gateway, Counter, Tools, Session) {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    (gateway, counter, tools, session)
}

/// Two pods that share a counting backend, and a session at the first that runs the held call `a` of the key `k`.
fn held_at_the_first(pods: &Pods) -> (Gateway, Gateway, Counter, Tools, Session) {
    let counter = Counter::new();
    let (here, there) = (pods.pod(), pods.pod());
    let tools = Tools::serve(counter.backend(), &here);
    let mut session = Session::open(&here);
    session.await_tool("count.once");
    session.call("a", "count.once", &held("k"));
    counter.await_executed("k", 1);
    (here, there, counter, tools, session)
}

#[test]
fn a_call_goes_on_without_its_connection_and_is_answered_on_the_next() {
    let (gateway, counter, _tools, mut first) = counted();
    first.call("a", "count.once", &held("k"));
    counter.await_executed("k", 1);
    let mut second = first.move_to(&gateway, json!({"unanswered": ["a"]}));
    assert_eq!(second.opened["resend"], json!([]), "the gateway answers it by itself");
    counter.let_go();
    assert_eq!(second.result("a"), json!({"key": "k", "executed": 1}));
    assert_eq!(counter.executed("k"), 1);
}

#[test]
fn a_call_that_ended_while_nobody_was_connected_is_answered_with_its_stored_result() {
    let (gateway, counter, _tools, mut first) = counted();
    first.call("a", "count.once", &held("k"));
    counter.await_executed("k", 1);
    let params = first.cut(json!({"unanswered": ["a"]}));
    gateway.await_no_connections();
    counter.let_go();
    gateway.await_metric("backend_calls_in_flight", 0.0);
    let mut second = Session::initialize(gateway.connect(), params);
    assert_eq!(second.result("a"), json!({"key": "k", "executed": 1}));
}

#[test]
fn a_repeated_id_gets_the_stored_result() {
    let (_gateway, counter, _tools, mut session) = counted();
    for _ in 0..3 {
        session.call("same", "count.once", &json!({"key": "k"}));
        assert_eq!(session.result("same"), json!({"key": "k", "executed": 1}));
    }
    assert_eq!(counter.executed("k"), 1);
    // An error is an outcome like any other.
    for _ in 0..2 {
        session.call("wrong", "count.once", &json!({}));
        session.error(&json!("wrong"), 4005);
    }
}

#[test]
fn a_request_that_is_sent_again_waits_for_the_running_call() {
    let (gateway, counter, _tools, mut first) = counted();
    first.call("a", "count.once", &held("k"));
    counter.await_executed("k", 1);
    let mut second = first.move_to(&gateway, json!({"unanswered": ["a", "never"]}));
    assert_eq!(second.opened["resend"], json!(["never"]));
    second.call("a", "count.once", &held("k"));
    second.call("never", "count.once", &json!({"key": "n"}));
    assert_eq!(second.result("never"), json!({"key": "n", "executed": 1}));
    counter.let_go();
    assert_eq!(second.result("a"), json!({"key": "k", "executed": 1}));
    second.check_alive();
}

#[test]
fn a_result_follows_its_session_to_another_pod() {
    let pods = Pods::new();
    let (_here, there, counter, _tools, first) = held_at_the_first(&pods);
    let mut second = first.move_to(&there, json!({"unanswered": ["a"]}));
    second.check_alive();
    counter.let_go();
    assert_eq!(second.result("a"), json!({"key": "k", "executed": 1}));
}

#[test]
fn a_call_of_a_pod_that_died_is_an_unknown_outcome_unless_it_may_be_repeated() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (doomed, other) = (process(&pods), pods.pod());
    let _tools = Tools::serve(counter.backend(), &other);
    let mut first = Session::open(&doomed);
    first.await_tool("count.once");
    first.call("once", "count.once", &held("once"));
    first.call("again", "count.again", &held("again"));
    first.call("unsent", "count.again", &held("unsent"));
    for key in ["once", "again", "unsent"] {
        counter.await_executed(key, 1);
    }
    let params = first.resume(json!({"unanswered": ["once", "again", "unsent"]}));
    drop(doomed.end());
    counter.let_go();
    let mut second = Session::initialize(other.connect(), params);
    second.call("again", "count.again", &held("again"));
    let mut answers = std::collections::HashMap::new();
    while answers.len() < 3 {
        let answer = second.hear();
        answers.insert(answer["id"].as_str().expect("an answer").to_owned(), answer);
    }
    assert_eq!(answers["once"]["error"]["code"], 4006, "{answers:?}");
    assert_eq!(answers["again"]["result"]["executed"], 2, "{answers:?}");
    assert_eq!(answers["unsent"]["error"]["code"], 4006, "{answers:?}");
    assert_eq!(answers["unsent"]["error"]["details"]["repeatable"], true, "{answers:?}");
    // What was told once is told again, and what may be repeated can be.
    second.call("once", "count.once", &held("once"));
    second.error(&json!("once"), 4006);
    second.call("unsent", "count.again", &held("unsent"));
    assert_eq!(second.result("unsent")["executed"], 2);
    assert_eq!(counter.executed("once"), 1);
}

#[test]
fn requests_of_a_session_that_is_gone_are_in_doubt() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let params = json!({"resume": {"unanswered": ["once", "again"]}});
    let mut session = Session::initialize(gateway.connect(), params);
    session.await_tool("count.once");
    session.call("once", "count.once", &json!({"key": "once"}));
    session.error(&json!("once"), 4006);
    session.call("again", "count.again", &json!({"key": "again"}));
    assert_eq!(session.result("again")["executed"], 1);
    session.call("fresh", "count.once", &json!({"key": "fresh"}));
    assert_eq!(session.result("fresh")["executed"], 1);
    assert_eq!(counter.executed("once"), 0);
}

#[test]
fn a_call_that_runs_elsewhere_is_cancelled_there() {
    let pods = Pods::new();
    let (here, there, _counter, _tools, first) = held_at_the_first(&pods);
    let mut second = first.move_to(&there, json!({"unanswered": ["a"]}));
    second.request("stop", "tool.cancel", &json!({"id": "a"}));
    let answers = [second.hear(), second.hear()];
    let of = |id: &str| answers.iter().find(|answer| answer["id"] == id).expect("an answer");
    assert_eq!(of("stop")["result"], json!({"cancelled": true}), "{answers:?}");
    assert_eq!(of("a")["error"]["code"], 4008, "{answers:?}");
    here.await_metric("backend_calls_in_flight", 0.0);
}

#[test]
fn what_the_client_has_is_forgotten_after_its_pong() {
    let (gateway, counter) = (
        Gateway::with(|config| {
            config.session.acknowledge_after_ms = 1;
            config.store.bounds.journal_calls = 2;
        }),
        Counter::new(),
    );
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    session.call("a", "count.once", &json!({"key": "k"}));
    session.result("a");
    let ping = session.frame_of(tests::Opcode::PING, "a ping that asks what has come");
    session.draft(&tests::Draft::new(tests::Opcode::PONG, &ping.payload));
    // Once it is forgotten, the id is a fresh one.
    tests::until("the journal to forget the call", || {
        session.call("a", "count.once", &json!({"key": "k"}));
        (session.result("a")["executed"] != 1).then_some(())
    });
}

#[test]
fn calls_before_initialize_end_with_their_connection() {
    let (gateway, counter) = (Gateway::start(), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut client = gateway.connect();
    client.await_tool("count.once");
    client.request("a", "tool.execute", &json!({"tool": "count.once", "args": held("k")}));
    counter.await_executed("k", 1);
    client.reset_now();
    gateway.await_metric("backend_calls_in_flight", 0.0);
}
