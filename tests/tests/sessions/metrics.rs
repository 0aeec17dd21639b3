//! What is counted of sessions, of the journal and of the store that both are in.

use serde_json::json;
use tests::{Counter, Draft, Gateway, Opcode, Pods, Session, Tools, until};

#[test]
fn sessions_are_counted_where_they_are_and_when_they_move() {
    let pods = Pods::new();
    let (here, there) = (pods.pod(), pods.pod());
    let first = Session::open(&here);
    here.await_metric("sessions_attached", 1.0);
    assert_eq!(there.metrics().value("sessions_attached"), 0.0);
    let second = first.move_to(&there, json!({}));
    there.await_metric("sessions_attached", 1.0);
    here.await_metric("sessions_attached", 0.0);
    there.await_metric("session_moves_total", 1.0);
    let third = second.move_to(&there, json!({}));
    there.await_metric("session_resumes_total{outcome=\"resumed\"}", 2.0);
    assert_eq!(there.metrics().value("session_moves_total"), 1.0, "it was there already");
    assert_eq!(here.metrics().value("session_moves_total"), 0.0);
    drop(third);
    there.await_metric("sessions_attached", 0.0);
}

#[test]
fn the_journal_is_counted_until_the_client_has_its_answers() {
    let (gateway, counter) =
        (Gateway::with(|config| config.session.acknowledge_after_ms = 100), Counter::new());
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    let (running, unacknowledged) =
        ("session_journal_calls{state=\"running\"}", "session_journal_calls{state=\"unacknowledged\"}");
    session.call("a", "count.once", &json!({"key": "a", "held": true}));
    gateway.await_metric(running, 1.0);
    assert_eq!(gateway.metrics().value(unacknowledged), 0.0);
    counter.let_go();
    session.result("a");
    gateway.await_metric(running, 0.0);
    gateway.await_metric(unacknowledged, 1.0);
    let ping = session.frame_of(Opcode::PING, "the ping behind the answer");
    session.draft(&Draft::new(Opcode::PONG, &ping.payload));
    gateway.await_metric(unacknowledged, 0.0);
    // What was never acknowledged here is not counted here once the connection is gone.
    session.call("b", "count.once", &json!({"key": "b"}));
    session.result("b");
    gateway.await_metric(unacknowledged, 1.0);
    drop(session);
    gateway.await_metric(unacknowledged, 0.0);
}

#[test]
fn the_store_is_timed_by_what_it_is_asked_and_its_failures_are_counted() {
    let mut pods = Pods::new();
    let gateway = pods.pod();
    let mut session = Session::open(&gateway);
    session.publish("a", &json!(1));
    let answered = |operation: &str| {
        gateway.metrics().count(&format!("store_command_duration_seconds_count{{operation=\"{operation}\"}}"))
    };
    let failed = |operation: &str| {
        gateway.metrics().count(&format!("store_errors_total{{operation=\"{operation}\"}}"))
    };
    assert_eq!((answered("create"), answered("publish"), answered("acquire")), (1.0, 1.0, 1.0));
    let sum = gateway.metrics().value("store_command_duration_seconds_sum{operation=\"publish\"}");
    assert!(sum > 0.0 && sum < 5.0, "{sum}");
    // An answer that is no is an answer.
    let mut stranger = gateway.connect();
    stranger.tolerate_pings();
    let resume = json!({"resume": {"session_id": "019c1234-5678-7abc-8def-0123456789ab", "resume_token": "A".repeat(43)}});
    stranger.ask("initialize", &resume);
    assert_eq!((answered("resume"), failed("resume")), (1.0, 0.0));
    pods.redis.kill();
    gateway.await_metric("store_up", 0.0);
    session.ask_wrong("event.publish", &json!({"name": "a"}), 4009);
    until("the failures to be counted", || {
        (failed("publish") >= 1.0 && failed("renew") >= 1.0).then_some(())
    });
    assert_eq!(answered("publish"), 1.0, "what failed is not timed");
}

#[test]
fn a_store_in_memory_is_not_timed() {
    let gateway = Gateway::start();
    let mut session = Session::open(&gateway);
    session.publish("a", &json!(1));
    assert!(!gateway.metrics().names().iter().any(|name| name.starts_with("store_command")));
}
