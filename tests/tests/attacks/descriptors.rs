//! A host that gives no more descriptors, and clients that are gone before they were accepted.

use std::time::{Duration, Instant};
use tests::{Process, Socket, Tools, until};

use crate::MCPW;

/// How much CPU time the process takes in this time, as a share of one core.
fn load(process: &Process, time: Duration) -> f64 {
    let (before, start) = (process.usage().cpu_ms(), Instant::now());
    // What is measured is what it does while nothing is asked of it.
    std::thread::sleep(time);
    (process.usage().cpu_ms() - before) as f64 / start.elapsed().as_millis() as f64
}

#[test]
fn fd_exhaustion() {
    let limited = ["sh", "-c", "ulimit -n 100 && exec \"$0\" \"$@\""];
    let process = Process::through(&limited, MCPW, |config| {
        config.websocket.handshake_timeout_ms = 60_000;
    });
    let mut client = process.connect();
    client.check_alive();
    // More than there are descriptors; the kernel takes them all the same.
    let crowd: Vec<Socket> = (0..200).map(|_| process.open()).collect();
    process.await_log("no socket could be accepted");
    let others = [process.admin, process.grpc].map(Socket::connect);
    let before = process.usage().descriptors();
    assert!(before >= 95, "{before} descriptors are open");
    // Nothing spins, on none of the ports, and whoever is in stays.
    let load = load(&process, Duration::from_secs(2));
    assert!(load < 0.2, "{load} of a core while nothing can be accepted");
    client.check_alive();
    drop(crowd);
    drop(others);
    // All three ports take clients again.
    process.connect().check_alive();
    until("the admin port", || (process.admin("/health/ready").status == 200).then_some(()));
    let _tools = Tools::at(&process);
    client.await_tool("echo");
    client.check_alive();
}

#[test]
fn reset_before_accept() {
    let process = Process::start(MCPW, |_| {});
    let mut client = process.connect();
    client.check_alive();
    process.await_metric("websocket_connections_active", 1.0);
    let before = process.usage().descriptors();
    for _ in 0..3 {
        // The kernel has accepted them, and the gateway sees them only when they are gone.
        process.signal("-STOP");
        for at in 0..600 {
            let mut socket = process.open();
            if at % 2 == 0 {
                socket.offer(&process.upgrade().bytes());
            }
            socket.reset();
        }
        process.signal("-CONT");
        client.check_alive();
        process.connect().check_alive();
    }
    until("the descriptors to be given back", || (process.usage().descriptors() <= before).then_some(()));
    let load = load(&process, Duration::from_secs(1));
    assert!(load < 0.1, "{load} of a core while nothing happens");
    assert!(!process.log().iter().any(|line| line.contains("panicked")));
}
