//! Collectors that are gone or hang: traffic goes on, and what is lost is counted.

use crate::{collector, traced, traced_with};
use serde_json::json;
use std::io::Read;
use std::net::TcpListener;
use tests::{Gateway, Process, until};

const DROPPED: &str = "traces_spans_dropped_total";
const EXPORTED: &str = "traces_spans_exported_total";

#[track_caller]
fn check_traffic(gateway: &Gateway) {
    let mut client = gateway.connect();
    for _ in 0..100 {
        client.ask("echo", &json!(1));
    }
}

#[test]
fn a_collector_that_is_gone_loses_spans_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let gone = listener.local_addr().expect("a bound socket has an address");
    drop(listener);
    let mut process = Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), |config| {
        (config.traces.endpoint, config.traces.ratio) = (Some(format!("http://{gone}")), 1.0);
        config.traces.timeout_ms = 5_000;
    });
    for _ in 0..3 {
        let mut client = process.connect();
        client.ask("echo", &json!(1));
        drop(client);
        let before = process.metrics().value(DROPPED);
        until("spans to be dropped", || (process.metrics().value(DROPPED) > before).then_some(()));
    }
    assert_eq!(process.metrics().value(EXPORTED), 0.0);
    process.terminate();
    assert_eq!(process.await_exit().code(), Some(0));
    let log = process.end();
    let told = log.iter().filter(|line| line.contains("traces are not exported")).count();
    assert_eq!(told, 1, "a failure is told once: {log:#?}");
}

#[test]
fn a_collector_that_hangs_fills_the_queue_and_nobody_waits() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the system has a free port");
    let hangs = listener.local_addr().expect("a bound socket has an address");
    let gateway = Gateway::with(|config| {
        (config.traces.endpoint, config.traces.ratio) = (Some(format!("http://{hangs}")), 1.0);
        (config.traces.queue, config.traces.timeout_ms) = (8, 60_000);
    });
    // It takes the connection, reads, and never says a word.
    let reader = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("the exporter connects");
        let mut bytes = [0; 1024];
        while socket.read(&mut bytes).is_ok_and(|read| read > 0) {}
    });
    until("the queue to be full", || {
        check_traffic(&gateway);
        (gateway.metrics().value(DROPPED) > 100.0).then_some(())
    });
    assert_eq!(gateway.metrics().value(EXPORTED), 0.0);
    drop((gateway, reader));
}

#[test]
fn what_waits_is_delivered_at_the_end_of_the_process() {
    let collector = collector();
    let mut gateway = traced(&collector, 1.0);
    let mut client = gateway.connect();
    client.ask("echo", &json!(1));
    drop(client);
    gateway.drain();
    gateway.await_end();
    // Nothing has to be waited for but the collector's own thread.
    collector.await_named("echo");
    collector.await_named("websocket");
}

#[test]
fn a_collector_that_comes_back_gets_spans_again() {
    let collector = collector();
    let gateway = traced_with(&collector, 1.0, |config| config.traces.timeout_ms = 300);
    collector.signal("-STOP");
    check_traffic(&gateway);
    until("spans to be dropped", || (gateway.metrics().value(DROPPED) > 0.0).then_some(()));
    collector.signal("-CONT");
    until("spans to be exported", || {
        check_traffic(&gateway);
        (gateway.metrics().value(EXPORTED) > 0.0).then_some(())
    });
    collector.await_named("echo");
}
