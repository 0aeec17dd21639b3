//! Several pods: backends that all of them reach, and the way out of one of them.

use crate::process;
use serde_json::json;
use tests::{Counter, Pods, Session, Tools, until};

#[test]
fn a_backend_registered_at_one_pod_is_called_from_every_pod_within_a_second() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (here, there) = (pods.pod(), pods.pod());
    let mut session = Session::open(&there);
    let _tools = Tools::serve(counter.backend(), &here);
    let start = std::time::Instant::now();
    session.await_tool("count.once");
    assert!(start.elapsed().as_millis() < 1_000, "after {:?}", start.elapsed());
    session.call("a", "count.once", &json!({"key": "k"}));
    assert_eq!(session.result("a")["executed"], 1);
}

#[test]
fn a_backend_whose_pod_died_is_forgotten_by_the_others() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (doomed, other) =
        (process(&pods), pods.pod_with(|config| config.store.redis.directory_lease_ms = 500));
    let tools = Tools::serve(counter.backend(), &doomed);
    other.await_replicas(1.0);
    drop(doomed.end());
    drop(tools);
    other.await_replicas(0.0);
}

#[test]
fn a_drain_moves_sessions_and_their_calls_end_behind_them() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (mut leaving, staying) = (pods.pod_with(|config| config.drain.grace_ms = 100), pods.pod());
    let _tools = Tools::serve(counter.backend(), &staying);
    let mut first = Session::open(&leaving);
    first.await_tool("count.once");
    first.call("a", "count.once", &json!({"key": "k", "held": true}));
    counter.await_executed("k", 1);
    let params = first.resume(json!({"unanswered": ["a"]}));
    leaving.drain();
    let migrate = first.hear();
    assert_eq!(migrate["method"], "session.migrate", "{migrate}");
    assert_eq!(first.await_close(1012), "0", "at once");
    let mut second = Session::initialize(staying.connect(), params);
    counter.let_go();
    assert_eq!(second.result("a"), json!({"key": "k", "executed": 1}));
    drop(first);
    leaving.await_end();
}

#[test]
fn a_request_behind_the_drain_is_not_executed_and_can_be_sent_again() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let (mut leaving, staying) = (pods.pod_with(|config| config.drain.grace_ms = 500), pods.pod());
    let _tools = Tools::serve(counter.backend(), &staying);
    let mut first = Session::open(&leaving);
    first.await_tool("count.once");
    first.call("running", "count.once", &json!({"key": "running", "held": true}));
    counter.await_executed("running", 1);
    leaving.drain();
    assert_eq!(first.hear()["method"], "session.migrate");
    first.call("late", "count.once", &json!({"key": "late"}));
    let params = first.resume(json!({"unanswered": ["running", "late"]}));
    first.await_close(1012);
    let mut second = Session::initialize(staying.connect(), params);
    assert_eq!(second.opened["resend"], json!(["late"]));
    second.call("late", "count.once", &json!({"key": "late"}));
    assert_eq!(second.result("late")["executed"], 1);
    counter.let_go();
    assert_eq!(second.result("running")["executed"], 1);
}

#[test]
fn idle_sessions_ask_nothing_of_redis() {
    let pods = Pods::new();
    let gateway = pods.pod();
    let calls = |command| pods.redis.count(command);
    let sessions: Vec<_> = (0..200).map(|_| Session::open(&gateway)).collect();
    let scripts = calls("evalsha") + calls("eval");
    // The pod's lease is its own, and is renewed three times a second here.
    let renewals = calls("pexpire");
    until("the pod to renew its lease ten times", || (calls("pexpire") >= renewals + 10).then_some(()));
    // Every word of a session is a script; those that ran are the beat of the directory, each few seconds.
    let spent = calls("evalsha") + calls("eval") - scripts;
    assert!(spent <= 10, "{spent} scripts for {} idle sessions", sessions.len());
}
