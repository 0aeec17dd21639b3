//! A shard that looks for work before its thread sleeps.

use tests::{Process, until};

const SHARD: &str = "shard-0";
const ROUNDS: u64 = 500;

/// How often the shard slept in so many rounds, each of which waits for the one before.
fn sleeps(process: &Process) -> u64 {
    let mut client = process.connect();
    client.check_alive();
    let before = process.usage().sleeps(SHARD);
    for _ in 0..ROUNDS {
        client.check_alive();
    }
    process.usage().sleeps(SHARD) - before
}

#[test]
fn a_shard_that_polls_sleeps_only_when_nothing_comes() {
    let polling = crate::process(|config| {
        config.runtime.shards = 1;
        config.runtime.busy_poll_us = 10_000;
    });
    let slept = sleeps(&polling);
    assert!(slept < ROUNDS / 2, "slept {slept} times");
    // Its clock wakes it, and each time it polls for a while and sleeps again.
    let before = polling.usage().sleeps(SHARD);
    until("a sleep", || (polling.usage().sleeps(SHARD) > before + 1).then_some(()));
    let slept = sleeps(&crate::process(|config| config.runtime.shards = 1));
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
