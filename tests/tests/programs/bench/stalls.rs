//! A gateway that stalls, and a run that is ended early.

use std::time::Duration;

use serde_json::Value;
use tests::{Process, until};

use super::{Bench, bench, count, number};
use crate::{gateway, process};

const STALL: Duration = Duration::from_millis(500);

/// A run during which the gateway stands still once.
fn stalled(gateway: &Process, line: &str) -> Value {
    let Bench { mut command, folder } = bench(gateway, line);
    let before = echoes(gateway);
    let running = process::Process::start(&mut command);
    until("the load to be there", || (echoes(gateway) > before + 20.0).then_some(()));
    gateway.signal("-STOP");
    std::thread::sleep(STALL);
    gateway.signal("-CONT");
    assert_eq!(running.end().code, Some(0));
    Bench { command, folder }.read()
}

fn echoes(gateway: &Process) -> f64 {
    gateway.metrics().count("websocket_messages_received_total{type=\"request\",method=\"echo\"}")
}

#[test]
fn a_stall_counts_for_each_message_that_it_delays_where_messages_are_due_at_a_rate() {
    let gateway = gateway();
    let open = stalled(&gateway, "echo -c 1 --rate 200 --duration 3s");
    // 100 of 600 were due while nothing was answered: the slowest hundredth of all waited for most of it.
    assert_eq!(count(&open, "/messages/0/sent"), 600);
    assert!(number(&open, "/messages/0/latency/p99_us") > 400_000.0, "{open:#}");
    assert!(number(&open, "/messages/0/latency/p90_us") > 100_000.0, "{open:#}");

    // Who waits for each answer has met one slow answer, which is hidden among thousands: this is what a rate is for.
    let closed = stalled(&gateway, "echo -c 1 --duration 3s");
    assert!(number(&closed, "/messages/0/latency/max_us") > 400_000.0, "{closed:#}");
    assert!(number(&closed, "/messages/0/latency/p99_us") < 400_000.0, "{closed:#}");
}

#[test]
fn messages_that_no_connection_was_free_for_are_told() {
    let gateway = gateway();
    let line = "echo -c 1 --depth 1 --rate 50 --duration 2s --patience 200ms";
    let Bench { mut command, folder } = bench(&gateway, line);
    let running = process::Process::start(&mut command);
    until("the load to be there", || (echoes(&gateway) > 20.0).then_some(()));
    gateway.signal("-STOP");
    let ended = running.end();
    gateway.signal("-CONT");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let figures = Bench { command, folder }.read();
    let (sent, unsent) = (count(&figures, "/messages/0/sent"), count(&figures, "/unsent"));
    assert!(unsent > 10 && sent + unsent == 100, "{figures:#}");
    assert_eq!(count(&figures, "/messages/0/unanswered"), 1, "{figures:#}");
    assert!(ended.stdout.contains("were due and never sent"), "{}", ended.stdout);
}

#[test]
fn ctrl_c_ends_with_what_was_measured() {
    let gateway = gateway();
    let Bench { mut command, folder } = bench(&gateway, "echo -c 2 --rate 200 --duration 10m");
    let running = process::Process::start(&mut command);
    until("the load to be there", || (echoes(&gateway) > 50.0).then_some(()));
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stdout.contains("the run was ended early"), "{}", ended.stdout);
    let figures = Bench { command, folder }.read();
    assert_eq!(figures["interrupted"], true);
    assert_eq!(count(&figures, "/messages/0/answered") as f64, echoes(&gateway));
    assert!(count(&figures, "/messages/0/latency/count") > 0 && number(&figures, "/seconds") < 60.0);
    gateway.await_no_connections();
}
