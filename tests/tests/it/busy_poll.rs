//! A shard that looks for work before its thread sleeps.

use tests::{Process, until};

const SHARD: &str = "shard-0";
const ROUNDS: u64 = 500;

#[test]
fn a_shard_that_polls_sleeps_only_when_nothing_comes() {
    let polling = crate::process(|config| {
        config.runtime.shards = 1;
        config.runtime.busy_poll_us = 10_000;
    });
    let mut client = polling.connect();
    client.check_alive();
    let sleeps = |process: &Process| process.usage().sleeps(SHARD);
    let before = sleeps(&polling);
    for _ in 0..ROUNDS {
        client.check_alive();
    }
    let slept = sleeps(&polling) - before;
    assert!(slept < ROUNDS / 4, "slept {slept} times");
    // Its clock wakes it, and each time it polls for a while and sleeps again.
    let before = sleeps(&polling);
    until("a sleep", || (sleeps(&polling) > before + 1).then_some(()));
    // One that does not poll sleeps after each message, if nothing is there by then.
    let plain = crate::process(|config| config.runtime.shards = 1);
    let (mut client, first) = (plain.connect(), sleeps(&plain));
    for _ in 0..ROUNDS {
        let before = sleeps(&plain);
        client.check_alive();
        until("a sleep", || (sleeps(&plain) > before).then_some(()));
    }
    let slept = sleeps(&plain) - first;
    assert!(slept >= ROUNDS / 2, "slept {slept} times");
}

#[test]
fn what_is_looked_for_in_vain_is_no_work() {
    let polling = crate::process(|config| {
        config.runtime.shards = 1;
        config.runtime.busy_poll_us = 10_000;
    });
    // Its clock wakes it ten times a second.
    let before = polling.usage().cpu_ms();
    until("use of the CPU", || (polling.usage().cpu_ms() >= before + 200).then_some(()));
    let busy = polling.metrics().value("shard_busy_seconds_total{shard=\"0\"}");
    assert!(busy < 0.1, "{busy} s");
}
