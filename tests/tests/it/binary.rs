//! Headers of `mcp.v1.binary` that are wrong: 4000, and the message names the field.

use serde_json::json;
use tests::{Client, Draft, Flags, Gateway, Packet, Type};

/// The frame is answered with one error that names the field.
fn check(client: &mut Client, frame: &[u8], sequence_id: u64, named: &str) {
    client.draft(&Draft::binary(frame));
    let error = client.reply().error(sequence_id, 4000);
    assert!(error.contains(named), "{frame:02x?} was answered with {error:?}, without {named:?}");
}

#[test]
fn binary_magic_version_type_flags_reserved_size() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    let good = Packet::echo(7, b"1");
    let next = Packet::echo(8, b"2").bytes();
    // Where the header can't be trusted, nothing behind it is read: its id is not sent back either.
    let untrusted = [
        (Packet { magic: *b"MCPX", ..good.clone() }, "magic"),
        (Packet { magic: [0; 4], ..good.clone() }, "magic"),
        (Packet { version: 0, ..good.clone() }, "version"),
        (Packet { version: 2, ..good.clone() }, "version"),
    ];
    for (packet, named) in &untrusted {
        check(&mut client, &[packet.bytes(), next.clone()].concat(), 0, named);
    }
    let unsized_packets = [2, 26, 1 << 20, u32::MAX];
    for size in unsized_packets {
        check(&mut client, &Packet { declared: Some(size), ..good.clone() }.bytes(), 7, "data_size");
    }
    // Where the size can be trusted, what follows is answered.
    let wrong = [
        (Packet { kind: Type(6), ..good.clone() }, "unknown type 6"),
        (Packet { kind: Type(255), ..good.clone() }, "unknown type 255"),
        (Packet { flags: 16, ..good.clone() }, "flags"),
        (Packet { flags: 0x8000, ..good.clone() }, "flags"),
        (Packet { flags: Flags::ENCRYPTED, ..good.clone() }, "encrypted"),
        (Packet { flags: Flags::SIGNED, ..good.clone() }, "signed"),
        (Packet { reserved: 1, ..good.clone() }, "reserved"),
        (Packet { reserved: 0xFFFF, ..good }, "reserved"),
    ];
    for (packet, named) in &wrong {
        check(&mut client, &[packet.bytes(), next.clone()].concat(), 7, named);
        assert_eq!(client.reply().sequence_id, 8);
    }
    let count = untrusted.len() + unsized_packets.len() + wrong.len();
    gateway.await_metric("websocket_errors_total{type=\"invalid_message\"}", count as f64);
    gateway.await_metric("websocket_connections_active", 1.0);
}

#[test]
fn a_header_that_is_cut() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    check(&mut client, b"", 0, "empty frame");
    let bytes = Packet::echo(7, b"").bytes();
    for len in 1..24 {
        check(&mut client, &bytes[..len], 0, "24");
    }
    // A good packet before it is answered.
    client.draft(&Draft::binary(&[&bytes[..], &bytes[..5]].concat()));
    assert_eq!(client.reply().kind, Type::RESPONSE);
    assert!(client.reply().error(0, 4000).contains("24"));
}

#[test]
fn an_unknown_method_number_is_4004() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    client.packet(&Packet::request(7, 999, b"{}"));
    assert!(client.reply().error(7, 4004).contains("999"));
    gateway.await_metric("websocket_errors_total{type=\"method_not_found\"}", 1.0);
}

#[test]
fn a_method_named_in_the_payload() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    client.packet(&Packet::request(7, 0, br#"{"method":"echo","params":[1]}"#));
    let reply = client.reply();
    assert_eq!((reply.kind, reply.sequence_id, reply.json()), (Type::RESPONSE, 7, json!([1])));
    for (payload, named) in [
        (&b"{}"[..], "method"),
        (b"", "payload"),
        (b"[]", "object"),
        (br#"{"method":5}"#, "method"),
        (br#"{"method":""}"#, "method"),
        (b"{", "JSON"),
    ] {
        check(&mut client, &Packet::request(7, 0, payload).bytes(), 7, named);
    }
    client.packet(&Packet::request(8, 0, br#"{"method":"no.such"}"#));
    assert!(client.reply().error(8, 4004).contains("no.such"));
}

#[test]
fn a_payload_that_is_no_json() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    for payload in [&b"{"[..], b"x", b"1 2", b"[1,]", b"\"\\ud800\"", b"1e999", b"{\"a\":1,\"a\":2}"] {
        check(&mut client, &Packet::echo(7, payload).bytes(), 7, "payload");
    }
}

#[test]
fn a_binary_notification_is_not_answered() {
    let gateway = Gateway::start();
    let mut client = gateway.connect_binary();
    client.packet(&Packet::new(Type::NOTIFICATION, 0, Packet::ECHO, b"1"));
    client.packet(&Packet::echo(9, b"2"));
    assert_eq!(client.reply().sequence_id, 9);
}
