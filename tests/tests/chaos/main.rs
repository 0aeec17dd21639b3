//! A small part of `cargo xtask chaos`: two gateway processes and a real Redis under load, and a ledger at the end.

mod forwarder;

use std::time::{Duration, Instant};

use forwarder::Forwarder;
use tempfile::TempDir;
use tests::chaos::{Counters, Deed, Dice, Executions, Fleet, Incident, Incidents, Ledger, Load, Settings};
use tests::until;

/// Calls on each side of a kill.
const SOME: u64 = 100;

#[test]
fn a_pod_that_is_killed_loses_nothing() {
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let settings = Settings {
        pods: 2,
        clients: 8,
        subscribers: 4,
        publishers: 4,
        calls: 80,
        events: 40,
        // The answer to a call of a dead pod is known once its lease has run out.
        lease: Duration::from_secs(1),
        ..Settings::new(env!("CARGO_BIN_EXE_mcpw-under-test").into(), folder.path().to_owned())
    };
    let mut fleet = Fleet::start(&settings, false).expect("two gateways and a Redis start");
    let executions = Executions::default();
    let _counters = Counters::start(&fleet, &executions).expect("two backends start");
    let forwarder = Forwarder::start(fleet.clients());
    let load =
        Load::start(&[forwarder.url()], &fleet.keys, &settings, &Dice::of(1)).expect("clients connect");

    let mut incidents = Incidents::default();
    for pod in 0..2 {
        await_more_calls(&load);
        let from = Instant::now();
        fleet.kill(pod);
        incidents.0.push(Incident { deed: Deed::Killed { pod }, from, to: Instant::now() });
        await_more_calls(&load);
        fleet.restart(pod).expect("the pod comes back");
    }
    let records = load.stop().expect("the clients did their work");

    let mut ledger = Ledger::default();
    records.settle(&executions, &incidents, None, &mut ledger);
    assert!(ledger.lost().is_empty(), "lost: {}\n{ledger}", ledger.lost().join(", "));
    // Each pod had half of the clients, or all.
    assert!(records.reconnects() >= 8, "{ledger}");
}

#[track_caller]
fn await_more_calls(load: &Load) {
    let before = load.calls();
    until("more calls", || (load.calls() >= before + SOME).then_some(()));
}
