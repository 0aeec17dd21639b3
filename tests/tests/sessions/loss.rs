//! Redis is killed, hangs, comes back empty: what goes on, what is refused, and what is told.

use auth::Claims;
use serde_json::{Value, json};
use tests::{Cable, Counter, Pods, Redis, Session, Tools, until};

/// The next `session.changed`.
fn changed(session: &mut Session) -> Value {
    loop {
        let message = session.hear();
        if message["method"] == "session.changed" {
            return message["params"].clone();
        }
    }
}

#[test]
fn redis_killed() {
    let (mut pods, counter) = (Pods::new(), Counter::new());
    let gateway = pods.pod();
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    session.subscribe(&["a"]);
    assert_eq!(gateway.admin("/health/ready").status, 200);
    pods.redis.kill();
    gateway.await_metric("store_up", 0.0);
    let ready = gateway.admin("/health/ready");
    assert_eq!(ready.status, 503, "{ready:?}");
    // What lives goes on.
    session.check_alive();
    session.call("again", "count.again", &json!({"key": "again"}));
    assert_eq!(changed(&mut session)["resumable"], false);
    assert_eq!(session.result("again")["executed"], 1);
    // One that may not be executed twice waits until the client can know that it can't resume.
    session.call("once", "count.once", &json!({"key": "once"}));
    session.check_alive();
    assert_eq!(counter.executed("once"), 0, "it is held");
    // The number of the ping that stands behind session.changed.
    session.draft(&tests::Draft::new(tests::Opcode::PONG, &u32::MAX.to_be_bytes()));
    assert_eq!(session.result("once")["executed"], 1);
    // A publish that can't be stored says so.
    let message = session.ask_wrong("event.publish", &json!({"name": "a"}), 4009);
    assert!(message.contains("same key"), "{message}");
    // A new session is none that can be resumed, and an old one cannot be here.
    let fresh = Session::open(&gateway);
    assert_eq!((&fresh.opened["resumable"], &fresh.opened["resume_window_ms"]), (&json!(false), &json!(0)));
    let params = json!({"resume": {
        "session_id": session.opened["session_id"], "resume_token": session.opened["resume_token"],
    }});
    let mut client = gateway.connect();
    client.request("mine", "initialize", &params);
    client.error(&json!("mine"), 4009);
    client.closed(1013);
    // It comes back empty: both sessions can be resumed from now on, with other tokens.
    pods.redis.restart();
    gateway.await_metric("store_up", 1.0);
    let restored = changed(&mut session);
    assert_eq!(restored["resumable"], true, "{restored}");
    until("the pod to be ready", || (gateway.admin("/health/ready").status == 200).then_some(()));
    let params = json!({"resume": {
        "session_id": restored["session_id"], "resume_token": restored["resume_token"], "unanswered": ["lost"],
    }});
    drop(session);
    let mut second = Session::initialize(gateway.connect(), params);
    assert_eq!(second.opened["resumed"], true, "{}", second.opened);
    assert_eq!(second.opened["subscriptions"], json!(["a"]));
    assert_eq!(second.opened["recovered"], false, "the log has another epoch");
    // What may have been executed while nobody kept a journal is in doubt.
    second.call("lost", "count.once", &json!({"key": "lost"}));
    second.error(&json!("lost"), 4006);
    drop(fresh);
}

#[test]
fn a_session_that_the_store_has_lost_is_put_back_and_its_token_stays_good() {
    let mut pods = Pods::new();
    let gateway = pods.pod();
    let mut first = Session::open(&gateway);
    first.subscribe(&["a"]);
    pods.redis.kill();
    gateway.await_metric("store_up", 0.0);
    pods.redis.restart();
    gateway.await_metric("store_up", 1.0);
    let gap = first.hear();
    assert_eq!(gap["method"], "event.gap", "{gap}");
    until("the session to be put back", || {
        pods.redis.ask("DBSIZE").filter(|size| !size.starts_with(":0")).and_then(|_| {
            let keys = pods.redis.ask("SCAN 0 MATCH mcpw:s:* COUNT 1000")?;
            keys.contains("mcpw:s:").then_some(())
        })
    });
    let mut second = first.move_to(&gateway, json!({}));
    assert_eq!(second.opened["resumed"], true, "{}", second.opened);
    assert_eq!(second.opened["subscriptions"], json!(["a"]));
    second.publish("a", &json!(1));
    assert_eq!(second.event().2, json!(1));
}

#[test]
fn a_session_can_be_resumed_again_after_a_connection_to_the_store_was_lost() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let cable = Cable::to(&pods.redis.address());
    let gateway = pods.pod_with(|config| config.store.redis.addresses = vec![cable.address()]);
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.again");
    // Its calls are lost to the store, and the opening of another session is.
    cable.cut_behind(&["doubt", "\r\nagent\r\n"]);
    session.call("doubt", "count.again", &json!({"key": "doubt"}));
    assert_eq!(changed(&mut session)["resumable"], false);
    assert_eq!(session.result("doubt")["executed"], 1);
    let mut other = Session::open(&gateway);
    assert_eq!(other.opened["resumable"], false, "{}", other.opened);
    cable.mend();
    for session in [&mut session, &mut other] {
        session.opened = changed(session);
        assert_eq!(session.opened["resumable"], true, "{}", session.opened);
    }
    for session in [session, other] {
        let mut second = session.move_to(&gateway, json!({}));
        assert_eq!(second.opened["resumed"], true, "{}", second.opened);
        second.check_alive();
    }
}

#[test]
fn a_session_is_its_own_while_it_is_not_known_that_it_was_put_back() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let cable = Cable::to(&pods.redis.address());
    let doomed = crate::process(&pods);
    let gateway = pods.pod_with(|config| config.store.redis.addresses = vec![cable.address()]);
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut first = Session::open(&doomed);
    first.await_tool("count.once");
    first.subscribe(&["put.back"]);
    first.call("elsewhere", "count.once", &json!({"key": "elsewhere", "held": true}));
    counter.await_executed("elsewhere", 1);
    let mut second = first.move_to(&gateway, json!({"unanswered": ["elsewhere"]}));
    let doubt = |session: &mut Session, key: &str| {
        session.call(key, "count.again", &json!({"key": key}));
        assert_eq!(changed(session)["resumable"], false);
        assert_eq!(session.result(key)["executed"], 1);
    };
    // The journal's answer is lost, so the client is told that it can't resume, and the session is put back as another.
    cable.cut_behind(&["doubt-1"]);
    doubt(&mut second, "doubt-1");
    cable.mend();
    assert_eq!(changed(&mut second)["resumable"], true);
    // Now the gateway does not hear of it, while under the earlier epoch it takes over a call of a pod that died.
    cable.cut_behind(&["doubt-2", "put.back"]);
    doubt(&mut second, "doubt-2");
    drop(doomed.end());
    let leases =
        || pods.redis.ask("KEYS mcpw:p:*").and_then(|keys| keys.strip_prefix('*')?.get(..1)?.parse().ok());
    until("the lease to run out", || (leases() == Some(1)).then_some(()));
    let before = pods.redis.count("exists");
    until("the call to be asked for again", || (pods.redis.count("exists") > before + 1).then_some(()));
    second.check_alive();
    cable.mend();
    let restored = changed(&mut second);
    assert_eq!(restored["resumable"], true, "{restored}");
    second.error(&json!("elsewhere"), 4006);
    assert_eq!(counter.executed("elsewhere"), 1);
}

#[test]
fn redis_flushed() {
    let pods = Pods::new();
    let gateway = pods.pod();
    let mut session = Session::open(&gateway);
    session.subscribe(&["a"]);
    session.publish("a", &json!(1));
    let (_, _, data) = session.event();
    assert_eq!(data, json!(1));
    pods.redis.ask("FLUSHALL");
    session.publish("a", &json!(2));
    // The log began anew, and that is told before the event.
    let gap = session.hear();
    assert_eq!(gap["method"], "event.gap", "{gap}");
    assert_eq!(session.event().2, json!(2));
}

#[test]
fn redis_hangs() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let gateway = pods.pod_with(|config| config.store.redis.command_timeout_ms = 200);
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    pods.redis.signal("-STOP");
    session.call("again", "count.again", &json!({"key": "again"}));
    let answer = loop {
        let message = session.hear();
        if message["id"] == "again" {
            break message;
        }
        assert_eq!(message["method"], "session.changed", "{message}");
    };
    assert_eq!(answer["result"]["executed"], 1, "{answer}");
    gateway.await_metric("store_up", 0.0);
    session.check_alive();
    pods.redis.signal("-CONT");
    gateway.await_metric("store_up", 1.0);
    assert_eq!(changed(&mut session)["resumable"], true);
}

#[test]
fn redis_oom() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let gateway = pods.pod();
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.again");
    session.publish("a", &json!(0));
    pods.redis.ask("CONFIG SET maxmemory 1");
    let message = session.ask_wrong("event.publish", &json!({"name": "a"}), 4009);
    assert!(message.contains("full"), "{message}");
    session.call("again", "count.again", &json!({"key": "again"}));
    loop {
        let message = session.hear();
        if message["id"] == "again" {
            assert_eq!(message["result"]["executed"], 1, "{message}");
            break;
        }
    }
    pods.redis.ask("CONFIG SET maxmemory 0");
    assert_eq!(changed(&mut session)["resumable"], true);
    session.publish("a", &json!(1));
}

#[test]
fn redis_readonly_replica() {
    let (pods, counter, master) = (Pods::new(), Counter::new(), Redis::start());
    let gateway = pods.pod();
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.again");
    // It is made the replica of another server, as after a failover that the gateway was not told of.
    pods.redis.ask(&format!("REPLICAOF {}", master.address().replace(':', " ")));
    session.ask_wrong("event.publish", &json!({"name": "a"}), 4009);
    gateway.await_metric("store_up", 0.0);
    assert_eq!(gateway.admin("/health/ready").status, 503);
    // What lives goes on.
    session.call("again", "count.again", &json!({"key": "again"}));
    assert_eq!(changed(&mut session)["resumable"], false);
    assert_eq!(session.result("again")["executed"], 1);
    let fresh = Session::open(&gateway);
    assert_eq!(fresh.opened["resumable"], false, "{}", fresh.opened);
    pods.redis.ask("REPLICAOF NO ONE");
    gateway.await_metric("store_up", 1.0);
    assert_eq!(changed(&mut session)["resumable"], true);
    session.publish("a", &json!(1));
}

/// Puts a text at the key of this kind that there is.
fn overwrite(pods: &Pods, kind: &str) -> String {
    let keys = pods.redis.ask(&format!("KEYS mcpw:{kind}:*")).expect("it answers");
    let mut lines = keys.lines();
    assert_eq!(lines.next(), Some("*1"), "{kind}: {keys}");
    let key = lines.nth(1).expect("a key").to_owned();
    assert_eq!(pods.redis.ask(&format!("SET {key} text")).as_deref(), Some("+OK\r\n"));
    key
}

#[test]
fn redis_wrong_type_at_key() {
    let (pods, counter) = (Pods::new(), Counter::new());
    let gateway = pods.pod();
    let _tools = Tools::serve(counter.backend(), &gateway);
    let mut session = Session::open(&gateway);
    session.await_tool("count.once");
    session.call("before", "count.once", &json!({"key": "before"}));
    assert_eq!(session.result("before")["executed"], 1);
    // The journal is lost with whatever stands there now. That is told once, and then there is another one.
    overwrite(&pods, "j");
    session.call("once", "count.once", &json!({"key": "once"}));
    assert_eq!(changed(&mut session)["resumable"], false);
    let restored = changed(&mut session);
    assert_eq!(restored["resumable"], true, "{restored}");
    assert_eq!(session.result("once")["executed"], 1);
    session.call("next", "count.once", &json!({"key": "next"}));
    assert_eq!(session.result("next")["executed"], 1);
    session.opened = restored;
    let mut session = session.move_to(&gateway, json!({"unanswered": ["lost", "next"]}));
    assert_eq!(session.opened["resumed"], true, "{}", session.opened);
    assert_eq!(session.result("next")["executed"], 1, "the new journal has its answer");
    session.call("lost", "count.once", &json!({"key": "lost"}));
    session.error(&json!("lost"), 4006);
    // The session itself is lost: it is put back.
    overwrite(&pods, "s");
    session.call("last", "count.once", &json!({"key": "last"}));
    assert_eq!(changed(&mut session)["resumable"], false);
    session.opened = changed(&mut session);
    assert_eq!(session.opened["resumable"], true, "{}", session.opened);
    assert_eq!(session.result("last")["executed"], 1);
    let mut session = session.move_to(&gateway, json!({}));
    assert_eq!(session.opened["resumed"], true, "{}", session.opened);
    // The log of a tenant takes no events, until an operator takes away what stands there; other tenants' do.
    session.publish("a", &json!(1));
    let key = overwrite(&pods, "e");
    session.ask_wrong("event.publish", &json!({"name": "a"}), 4009);
    session.check_alive();
    assert_eq!(gateway.metrics().value("store_up"), 1.0, "the server is well");
    let claims = Claims { scopes: vec!["*".to_owned()], ..Claims::new("other", "agent") };
    let token = gateway.keys.mint(&claims);
    let upgrade = gateway.upgrade().replace("Authorization", &format!("Bearer {token}"));
    Session::initialize(gateway.accepted(&upgrade), json!({})).publish("a", &json!(1));
    pods.redis.ask(&format!("DEL {key}"));
    session.publish("a", &json!(2));
}
