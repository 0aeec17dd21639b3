//! Floods of HTTP/2 frames at the gRPC port: bounded in memory, and others do not notice.

use crate::frames::{
    CONTINUATION, DATA, END_HEADERS, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame, request,
};
use crate::{execute, frames, named, process};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tests::Tools;

/// As much memory a flood may take for a while.
const GROWTH: usize = 48 << 20;

/// How long a flood goes on, if nobody ends it.
const FLOOD: Duration = Duration::from_secs(4);

/// What came of a flood.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// The gateway ended the connection.
    Cut,
    /// It was taken for all of its time.
    Taken,
}

/// Sends pieces of a flood for as long as it is let.
fn flood(address: std::net::SocketAddr, mut piece: impl FnMut(u32) -> Vec<u8>) -> Outcome {
    let mut socket = TcpStream::connect(address).expect("the port is open");
    socket.set_write_timeout(Some(Duration::from_secs(5))).expect("a timeout");
    let mut reader = socket.try_clone().expect("a second handle");
    let drained = std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while matches!(reader.read(&mut bytes), Ok(1..)) {}
    });
    let start = Instant::now();
    let mut outcome = Outcome::Taken;
    let opening = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let mut sent = socket.write_all(&opening);
    for number in 0.. {
        if sent.is_err() || drained.is_finished() {
            outcome = Outcome::Cut;
            break;
        }
        if start.elapsed() > FLOOD {
            break;
        }
        sent = socket.write_all(&piece(number));
    }
    // What was cut already can't be shut down.
    let _ = socket.shutdown(std::net::Shutdown::Both);
    drained.join().expect("the reader ends");
    outcome
}

/// Has the gateway flooded, and checks that whoever else is there notices nothing, neither meanwhile nor after it.
#[track_caller]
fn check_bounded(piece: impl FnMut(u32) -> Vec<u8> + Send + 'static) -> Outcome {
    let gateway = process(|_| {});
    let _tools = Tools::serve(named("honest", &["honest"]), &gateway);
    let mut client = gateway.connect();
    client.await_tool("honest");
    let before = gateway.usage().memory();
    let address = gateway.grpc;
    let flooding = std::thread::spawn(move || flood(address, piece));
    let mut most = before;
    while !flooding.is_finished() {
        assert_eq!(execute(&mut client, "honest"), "honest");
        most = most.max(gateway.usage().memory());
    }
    let outcome = flooding.join().expect("the flood ends");
    let grown = most - before;
    assert!(grown < GROWTH, "{grown} bytes more in a flood that was {outcome:?}");
    // Who was registered still is, and others can.
    gateway.await_replicas(1.0);
    let _late = Tools::serve(named("late", &["late"]), &gateway);
    client.await_tool("late");
    assert_eq!(execute(&mut client, "late"), "late");
    outcome
}

#[test]
fn h2_rapid_reset() {
    let fields = request("/mcpw.v1.Registry/Register");
    let outcome = check_bounded(move |number| {
        let pairs = (0..64).flat_map(|place| {
            let stream = (number * 64 + place) * 2 + 1;
            let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
            [frame(HEADERS, END_HEADERS, stream, &fields), reset].concat()
        });
        pairs.collect()
    });
    assert_eq!(outcome, Outcome::Cut);
}

#[test]
fn continuation_flood() {
    let fields = request("/mcpw.v1.Registry/Register");
    let junk = frames::junk(16_000);
    let outcome = check_bounded(move |number| match number {
        0 => frame(HEADERS, 0, 1, &fields),
        _ => frame(CONTINUATION, 0, 1, &junk),
    });
    assert_eq!(outcome, Outcome::Cut);
}

#[test]
fn empty_data_flood() {
    let fields = request("/mcpw.v1.Registry/Register");
    let many = frame(DATA, 0, 1, &[]).repeat(1_000);
    // Cut or not: bounded it is.
    check_bounded(move |number| match number {
        0 => frame(HEADERS, END_HEADERS, 1, &fields),
        _ => many.clone(),
    });
}
