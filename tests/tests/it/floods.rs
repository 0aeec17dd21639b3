//! Clients that send and never read: what they cost is bounded, and they are cut.

use std::time::Duration;
use tests::{Client, Draft, Opcode, Packet, Process, Socket};

fn start() -> Process {
    crate::process(|config| {
        config.log.level = "info".to_owned();
        config.websocket.write_timeout_ms = 500;
        config.websocket.max_pings_per_second = u32::MAX / 10;
    })
}

fn connect_narrow(process: &Process) -> Client {
    let mut socket = Socket::connect_narrow(process.clients);
    let request = process.upgrade().with("Sec-WebSocket-Protocol", "mcp.v1.binary");
    socket.send(&request.bytes());
    let response = socket.response();
    response.check_accepts(&request);
    Client::new(socket, response)
}

/// Sends this again and again and reads nothing: the gateway stops reading, then cuts, and grows by no more
/// than a few buffers.
fn check_never_reads(bytes: &[u8]) {
    let process = start();
    process.connect().check_alive();
    let before = process.usage().memory();
    let mut client = connect_narrow(&process);
    let (mut sent, mut most) = (0, before);
    loop {
        let (taken, alive) = client.stuff(bytes, Duration::from_millis(50));
        sent += taken;
        most = most.max(process.usage().memory());
        if !alive {
            break;
        }
        assert!(sent < 1 << 30, "the gateway reads on and on although its answers are not read");
        if taken < bytes.len() {
            // What was cut must go on where it was: only the end of the connection is awaited now.
            process.await_metric("websocket_connections_active", 0.0);
            break;
        }
    }
    let growth = (most - before) / 1024;
    assert!(growth < 8 * 1024, "{growth} KiB for one client that never reads, after {sent} bytes");
    process.await_no_connections();
    process.await_metric("websocket_connections_closed_total{code=\"abrupt\"}", 2.0);
    process.connect().check_alive();
}

#[test]
fn never_reads() {
    let payload = format!("\"{}\"", "x".repeat(60_000));
    check_never_reads(&Draft::binary(&Packet::echo(1, payload.as_bytes()).bytes()).bytes().repeat(100));
}

#[test]
fn never_reads_small_answers() {
    check_never_reads(&Draft::binary(&Packet::echo(1, b"1").bytes()).bytes().repeat(100_000));
}

#[test]
fn never_reads_pongs() {
    check_never_reads(&Draft::new(Opcode::PING, &[b'x'; 125]).bytes().repeat(50_000));
}

#[test]
fn never_reads_errors() {
    // Frames that are wrong in themselves, each answered with an error larger than it is.
    check_never_reads(&Draft::binary(b"x").bytes().repeat(200_000));
}

#[test]
fn one_batch_cannot_be_answered_with_more_than_a_few_times_its_size() {
    let process = start();
    let before = process.usage().memory();
    let mut client = connect_narrow(&process);
    // A frame of a MiB with 100 echoes, whose answers are all made before the gateway can stop reading.
    let payload = format!("\"{}\"", "x".repeat(10_000));
    let frame: Vec<u8> = (0..100).flat_map(|id| Packet::echo(id, payload.as_bytes()).bytes()).collect();
    let frame = Draft::binary(&frame).bytes();
    client.stuff(&frame.repeat(50), Duration::from_millis(50));
    let growth = process.usage().memory().saturating_sub(before) / 1024;
    assert!(growth < 12 * 1024, "{growth} KiB");
    process.await_no_connections();
}
