//! Connections to the gRPC port that ask for nothing: they are cut, and hold nobody up.

use crate::frames::{ACK, END_HEADERS, HEADERS, PING, PREFACE, SETTINGS, frame, parse, request};
use crate::{execute, named};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tests::{Gateway, PATIENCE, Tools};

const PATIENT_MS: u64 = 400;

fn impatient() -> Gateway {
    Gateway::with(|config| config.registry.handshake_timeout_ms = PATIENT_MS)
}

/// Says this, and acknowledges what it has to; checks that the gateway cuts it, and not before its time.
#[track_caller]
fn check_cut(gateway: &Gateway, said: &[u8]) {
    let start = Instant::now();
    let mut socket = TcpStream::connect(gateway.grpc).expect("the port is open");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.write_all(said).expect("it is open");
    let (mut inbox, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => break,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("it was not cut: {error}"),
            Ok(count) => inbox.extend(&buffer[..count]),
        }
        while let Some((kind, flags, _, length)) = parse(&inbox) {
            let payload = inbox.drain(..length).skip(9).collect::<Vec<_>>();
            // Before the preface is whole an acknowledgement would be a wrong one.
            if said.starts_with(PREFACE) && matches!(kind, SETTINGS | PING) && flags & ACK == 0 {
                let payload = if kind == PING { &payload[..] } else { &[] };
                // It may be gone by now.
                let _ = socket.write_all(&frame(kind, ACK, 0, payload));
            }
        }
    }
    assert!(
        start.elapsed() >= Duration::from_millis(PATIENT_MS),
        "{said:?}: cut after {:?}",
        start.elapsed()
    );
}

#[test]
fn whoever_opens_the_registry_port_and_says_nothing_is_cut() {
    let gateway = impatient();
    check_cut(&gateway, b"");
    check_cut(&gateway, &PREFACE[..10]);
    check_cut(&gateway, &[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
}

#[test]
fn who_is_refused_for_want_of_a_proof_is_cut_too() {
    let gateway = Gateway::with(|config| {
        config.registry.handshake_timeout_ms = PATIENT_MS;
        config.registry.proof = gateway::config::Proof::Required;
    });
    let asks = frame(HEADERS, END_HEADERS, 1, &request("/mcpw.v1.Registry/Register"));
    check_cut(&gateway, &[PREFACE, &frame(SETTINGS, 0, 0, &[]), &asks].concat());
}

#[test]
fn silent_connections_up_to_the_limit_hold_up_a_backend_for_the_handshake_timeout_alone() {
    let gateway = Gateway::with(|config| {
        config.registry.handshake_timeout_ms = PATIENT_MS;
        config.registry.max_connections = 4;
    });
    let silent: Vec<_> =
        (0..8).map(|_| TcpStream::connect(gateway.grpc).expect("the kernel takes it")).collect();
    let _tools = Tools::serve(named("honest", &["honest"]), &gateway);
    let mut client = gateway.connect();
    client.await_tool("honest");
    assert_eq!(execute(&mut client, "honest"), "honest");
    drop(silent);
}

#[test]
fn a_registered_backend_stays_beyond_the_handshake_timeout() {
    let gateway = impatient();
    let _tools = Tools::serve(named("honest", &["honest"]), &gateway);
    let start = Instant::now();
    let mut client = gateway.connect();
    client.await_tool("honest");
    while start.elapsed() < Duration::from_millis(4 * PATIENT_MS) {
        assert_eq!(execute(&mut client, "honest"), "honest");
    }
    gateway.await_replicas(1.0);
}
