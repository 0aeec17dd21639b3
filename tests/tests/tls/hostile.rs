//! Who does not speak TLS, or not as one should.

use crate::{NAME, Setting, connect, open};
use rustls::ClientConnection;
use std::io::Write;
use std::time::{Duration, Instant};
use tests::{Gateway, PATIENCE};

const TIMED_OUT: &str = "websocket_handshakes_refused_total{reason=\"timeout\"}";
const REFUSED: &str = "websocket_handshakes_refused_total{reason=\"tls\"}";

/// The first record of a client, whose handshake goes on with it.
fn hello(setting: &Setting) -> (ClientConnection, Vec<u8>) {
    let name = NAME.try_into().expect("a name");
    let mut tls = ClientConnection::new(setting.trust().config(), name).expect("a session");
    let mut record = Vec::new();
    tls.write_tls(&mut record).expect("room");
    (tls, record)
}

/// The handshake message of a record, over records of so many bytes each.
fn fragmented(record: &[u8], size: usize) -> Vec<Vec<u8>> {
    let parts = record[5..].chunks(size);
    parts.map(|part| [&record[..3], &(part.len() as u16).to_be_bytes(), part].concat()).collect()
}

/// Completes a handshake whose hello goes over the wire in these writes.
fn check_completes(setting: &Setting, gateway: &Gateway, cut: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
    let (mut tls, record) = hello(setting);
    let mut stream = std::net::TcpStream::connect(gateway.clients).expect("the gateway listens");
    stream.set_nodelay(true).expect("a fresh socket takes options");
    stream.set_read_timeout(Some(PATIENCE)).expect("a fresh socket takes options");
    for part in cut(&record) {
        stream.write_all(&part).expect("the gateway takes what is sent");
    }
    while tls.is_handshaking() {
        tls.complete_io(&mut stream).expect("the handshake goes on");
    }
}

#[test]
fn tls_one_byte_records() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    check_completes(&setting, &gateway, |record| fragmented(record, 1));
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn tls_fragmented_client_hello() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    for size in [2, 3, 7, 50, 200] {
        check_completes(&setting, &gateway, |record| fragmented(record, size));
    }
    // Bytes of one record in writes of their own.
    check_completes(&setting, &gateway, |record| record.chunks(1).map(<[u8]>::to_vec).collect());
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn a_hello_that_never_ends_is_cut() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    // A handshake message that declares 16 MiB, a byte for each record.
    let mut socket = gateway.open();
    let head = [1, 0xff, 0xff, 0xff];
    let records: Vec<u8> = head.iter().chain(&[0; 4_096]).flat_map(|&byte| [22, 3, 1, 0, 1, byte]).collect();
    let start = Instant::now();
    while socket.offer(&records) {
        assert!(start.elapsed() < PATIENCE, "the gateway still listens");
    }
    gateway.await_metric(REFUSED, 1.0);
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn garbage_is_answered_with_an_alert() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    for (index, garbage) in
        [&[0; 64][..], &[22, 3, 1, 0xff, 0xff, 0], &[23, 3, 3, 0, 1, 0], &[0xff; 4_096]].iter().enumerate()
    {
        let mut socket = gateway.open();
        socket.send(garbage);
        socket.await_end("the end");
        // An alert is record type 21, and a fatal one begins with 2.
        assert_eq!(socket.inbox().first(), Some(&21), "{garbage:?}: {:?}", socket.inbox());
        gateway.await_metric(REFUSED, index as f64 + 1.0);
    }
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn half_a_handshake_is_cut_when_its_time_is_over() {
    let setting = Setting::new();
    let gateway = setting.gateway(|config| config.websocket.handshake_timeout_ms = 300);
    let (_, record) = hello(&setting);
    for (index, part) in [&record[..0], &record[..record.len() / 2], &record[..]].iter().enumerate() {
        let start = Instant::now();
        let mut socket = gateway.open();
        socket.send(part);
        socket.await_end("the end of half a handshake");
        assert!(start.elapsed() >= Duration::from_millis(300), "cut after {:?}", start.elapsed());
        gateway.await_metric(TIMED_OUT, index as f64 + 1.0);
    }
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn a_request_in_the_clear_is_told_that_the_port_speaks_tls() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let response = gateway.ask(&gateway.upgrade());
    assert_eq!(response.status, 400, "{response:?}");
    assert!(response.error().contains("speaks TLS"), "{response:?}");
    gateway.await_metric("websocket_handshakes_refused_total{reason=\"bad_request\"}", 1.0);
    connect(&gateway, &setting.trust()).check_alive();
}

#[test]
fn a_record_that_was_changed_on_its_way_ends_the_connection_alone() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut other = connect(&gateway, &setting.trust());
    let mut socket = open(&gateway, &setting.trust());
    assert!(socket.offer_bare(&[23, 3, 3, 0, 32]) && socket.offer_bare(&[7; 32]));
    assert!(socket.await_alert().contains("BadRecordMac"), "another alert");
    other.check_alive();
}

#[test]
fn whatever_is_changed_in_a_hello_harms_nobody() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let (_, record) = hello(&setting);
    for at in 0..record.len() {
        let mut changed = record.clone();
        changed[at] ^= 1 << (at % 8);
        // Whole, and over records of a few bytes, with something behind it that belongs to nothing.
        let parts = if at % 2 == 0 { vec![changed] } else { fragmented(&changed, 1 + at % 40) };
        let mut socket = gateway.open();
        socket.offer(&parts.concat());
        socket.offer(&[0x17, 3, 3, 0, 1, at as u8]);
        socket.finish();
        socket.await_end("the end");
    }
    connect(&gateway, &setting.trust()).check_alive();
    gateway.await_metric("websocket_connections_total", 1.0);
}

#[test]
fn whatever_comes_after_the_handshake_harms_nobody() {
    let setting = Setting::new();
    let gateway = setting.gateway(|_| {});
    let mut other = connect(&gateway, &setting.trust());
    // Changes of cipher, alerts, messages of the handshake, data and a type that there is not.
    for kind in 20..=25 {
        for len in [0_u16, 1, 2, 17, 300, 16_384, 16_640, 0xffff] {
            for comes in [0, 1, usize::from(len)] {
                let mut client = connect(&gateway, &setting.trust());
                let head = [&[kind, 3, 3][..], &len.to_be_bytes()].concat();
                client.offer_bare(&head);
                client.offer_bare(&vec![kind; comes.min(usize::from(len))]);
                client.finish();
                client.await_end("the end");
            }
        }
    }
    other.check_alive();
    gateway.await_metric("websocket_connections_active", 1.0);
}
