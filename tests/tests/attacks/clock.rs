//! A wall clock that jumps by an hour, forwards and back: tokens go by it when they are shown, and nothing else does.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Client, Clock, Counter, Pods, Process, Session, Tools};

use crate::MCPW;

const HOUR: i64 = 3_600;

fn shown(process: &Process, token: &str) -> u16 {
    process.ask(&process.upgrade().replace("Authorization", &format!("Bearer {token}"))).status
}

fn accepted(process: &Process, token: &str) -> Client {
    process.accepted(&process.upgrade().replace("Authorization", &format!("Bearer {token}")))
}

#[test]
fn clock_jump() {
    let clock = Clock::right();
    let process = Process::through(&clock.command(), MCPW, |config| {
        config.auth.grace_s = 1;
        config.auth.leeway_s = 0;
    });
    let of = |minutes: u64| process.keys.token_for(Duration::from_secs(60 * minutes));
    let (short, long) = (of(10), of(180));
    let mut client = accepted(&process, &short);
    let mut stays = accepted(&process, &long);
    for (jump, status, refresh) in [(HOUR, 401, 4001), (-HOUR, 101, 0)] {
        clock.jump_to(jump);
        assert_eq!(shown(&process, &short), status, "{jump} s, a token for ten minutes");
        assert_eq!(shown(&process, &long), 101, "{jump} s, a token for three hours");
        // A connection counts the time that its token had left when it came.
        client.check_alive();
        stays.check_alive();
        match refresh {
            0 => drop(client.ask("session.refresh", &json!({"token": short}))),
            code => drop(client.ask_wrong("session.refresh", &json!({"token": short}), code)),
        }
    }
    // It ends with that time, whatever the wall clock says then.
    clock.jump_to(0);
    let mut ending = accepted(&process, &process.keys.token_for(Duration::from_secs(2)));
    // It is there by now, and not only about to be.
    ending.check_alive();
    clock.jump_to(-HOUR);
    ending.closed(4401);
    client.check_alive();
}

/// Calls that follow each other for longer than any lease lasts.
fn check_calls(session: &mut Session, turn: &str) {
    let start = Instant::now();
    for n in 0.. {
        let id = format!("{turn}-{n}");
        session.call(&id, "count.once", &json!({"key": id}));
        assert_eq!(session.result(&id)["executed"], 1);
        if start.elapsed() > Duration::from_secs(2) {
            return;
        }
    }
}

#[test]
fn clock_jump_of_a_pod_ends_no_lease() {
    let (pods, counter, clock) = (Pods::new(), Counter::new(), Clock::right());
    let process = pods.process_through(&clock.command(), MCPW);
    let other = pods.pod();
    let _tools = Tools::serve(counter.backend(), &process);
    let mut session = Session::open(&process);
    session.await_tool("count.once");
    session.call("held", "count.once", &json!({"key": "held", "held": true}));
    counter.await_executed("held", 1);
    for (jump, turn) in [(HOUR, "ahead"), (-HOUR, "behind")] {
        clock.jump_to(jump);
        check_calls(&mut session, turn);
        // The backend that registered there is still called from the other pod.
        let mut client = Session::open(&other);
        client.await_tool("count.once");
    }
    // The pod is alive to the other one, which takes over none of its calls, and hears how the call ends.
    let mut session = session.move_to(&other, json!({"unanswered": ["held"]}));
    assert_eq!(session.opened["resumed"], true, "{}", session.opened);
    counter.let_go();
    assert_eq!(session.result("held")["executed"], 1);
    assert_eq!(counter.executed("held"), 1);
}
