//! However the bytes are cut into reads, the same messages come out.

use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::json;
use tests::{Client, Draft, Frame, Gateway, Opcode, Packet, Tools};

/// A conversation of every kind of frame; the payloads look like frames themselves.
fn conversation() -> Vec<u8> {
    let frame_like = r#"{"id":1,"type":0,"method":"echo","params":"\u0081\u0005"}"#;
    let trap = Draft::text(r#"{"id":"trap","type":4}"#).mask([0; 4]).bytes();
    let trap: String =
        trap.iter().map(|&byte| char::from(byte & 0x7F)).filter(|c| *c > ' ' && *c != '"').collect();
    [
        Draft::text(frame_like),
        Draft::new(Opcode::TEXT, br#"{"id":2,"type":0,"#).unfinished(),
        Draft::new(Opcode::PING, b"\x81\x85between"),
        Draft::new(Opcode::CONTINUATION, b"").unfinished(),
        Draft::new(Opcode::CONTINUATION, "\"method\":\"echo\",\"params\":\"é€😀\"}".as_bytes()),
        Draft::new(Opcode::PONG, b"unasked"),
        Draft::text(
            &json!([{"id": 3, "type": 4}, {"id": 4, "type": 0, "method": "echo", "params": trap}])
                .to_string(),
        ),
        Draft::text(&format!(r#"{{"id":5,"type":0,"method":"echo","params":"{}"}}"#, "y".repeat(130))),
        Draft::text("{}"),
        Draft::close(1000, b"end"),
    ]
    .iter()
    .flat_map(Draft::bytes)
    .collect()
}

/// All frames up to the close, without the gateway's pings and the answers to calls that ran beside.
fn answers(client: &mut Client) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        let frame = client.frame("the answers to a conversation");
        let beside =
            frame.opcode == Opcode::PING || (frame.opcode == Opcode::TEXT && frame.text().contains("beside"));
        let closed = frame.opcode == Opcode::CLOSE;
        if !beside {
            frames.push(frame);
        }
        if closed {
            return frames;
        }
    }
}

fn unsplit(gateway: &Gateway, bytes: &[u8]) -> Vec<Frame> {
    let mut client = gateway.connect();
    client.send(bytes);
    answers(&mut client)
}

#[test]
fn cancelled_read() {
    // Timers fire and results arrive while a frame is half-read: before the second half is sent, each
    // connection was pinged and was given the result of a call.
    let gateway = Gateway::with(|config| {
        config.websocket.ping_interval_ms = 100;
        config.websocket.pong_timeout_ms = 60_000;
        config.router.max_calls_per_replica = 10_000;
    });
    let _tools = Tools::at(&gateway);
    let bytes = conversation();
    let expected = unsplit(&gateway, &bytes);
    assert_eq!(expected.len(), 8, "{expected:?}");
    let mut halves: Vec<(usize, Client)> = (0..=bytes.len()).map(|cut| (cut, gateway.connect())).collect();
    for (cut, client) in &mut halves {
        client.tolerate_pings();
        client.await_tool("sleep");
        client.request("beside", "tool.execute", &json!({"tool": "sleep", "args": {"ms": 50}}));
        client.send(&bytes[..*cut]);
    }
    for (cut, client) in &mut halves {
        let (mut pinged, mut called, mut frames) = (false, false, Vec::new());
        // The whole conversation ends in a close, after which nothing more is due.
        while !(pinged && called) && *cut < bytes.len() {
            let frame = client.frame("a ping and a result, with half a conversation sent");
            match frame.opcode {
                Opcode::PING => pinged = true,
                Opcode::TEXT if frame.text().contains("beside") => {
                    called |= frame.text().contains("slept_ms")
                }
                _ => frames.push(frame),
            }
        }
        client.send(&bytes[*cut..]);
        frames.extend(answers(client));
        assert_eq!(frames, expected, "cut at byte {cut}");
    }
}

#[test]
fn one_byte_in_each_read_gives_the_same_answers() {
    let gateway = Gateway::start();
    let bytes = conversation();
    let expected = unsplit(&gateway, &bytes);
    let received = gateway.metrics().value("websocket_bytes_received_total");
    let mut client = gateway.connect();
    for (index, byte) in bytes.iter().enumerate() {
        client.send(&[*byte]);
        // The byte was read before the next one is sent.
        gateway.await_metric("websocket_bytes_received_total", received + index as f64 + 1.0);
    }
    assert_eq!(answers(&mut client), expected);
}

/// A frame of a random conversation: a message in some fragments, or a control frame.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let echo = ("[a-zé€😀 ]{0,200}", 1_usize..5, any::<[u8; 4]>()).prop_map(|(text, fragments, mask)| {
        let message = json!({"id": 1, "type": 0, "method": "echo", "params": text}).to_string();
        let chunks: Vec<_> = message.as_bytes().chunks(message.len().div_ceil(fragments)).collect();
        let mut bytes = Vec::new();
        for (index, chunk) in chunks.iter().enumerate() {
            let opcode = if index == 0 { Opcode::TEXT } else { Opcode::CONTINUATION };
            let draft = Draft::new(opcode, chunk).mask(mask);
            bytes.extend(if index + 1 == chunks.len() { draft } else { draft.unfinished() }.bytes());
            if index + 1 < chunks.len() {
                bytes
                    .extend(Draft::new(Opcode::PING, chunk.get(..20).unwrap_or_default()).mask(mask).bytes());
            }
        }
        bytes
    });
    let ping = prop::collection::vec(any::<u8>(), 0..126)
        .prop_map(|payload| Draft::new(Opcode::PING, &payload).bytes());
    let wrong = "[a-z\\[\\]{}:,\"0-9]{0,40}".prop_map(|text| Draft::text(&text).bytes());
    prop::collection::vec(prop_oneof![3 => echo, 1 => ping, 1 => wrong], 1..12)
        .prop_map(|frames| frames.concat())
}

#[test]
fn any_conversation_cut_anywhere_gives_the_same_answers() {
    let gateway = Gateway::start();
    let close = Draft::close(1000, b"").bytes();
    let cuts = prop::collection::vec(1_usize..60, 1..20);
    let mut runner = TestRunner::new(Cases { cases: 96, failure_persistence: None, ..Cases::default() });
    let outcome = runner.run(&(frames(), cuts), |(bytes, cuts)| {
        let bytes = [&bytes[..], &close].concat();
        let expected = unsplit(&gateway, &bytes);
        let mut client = gateway.connect();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            let (chunk, later) = rest.split_at(*cut.min(&rest.len()));
            client.send(chunk);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(answers(&mut client), expected);
        Ok(())
    });
    outcome.expect("cuts change nothing");
}

#[test]
fn binary_packets_cut_at_every_byte_give_the_same_answers() {
    let gateway = Gateway::start();
    let payload = r#"{"MCPW":"MCPW"}"#;
    let two = [Packet::echo(1, payload.as_bytes()).bytes(), Packet::echo(2, b"[]").bytes()].concat();
    let bytes = Draft::binary(&two).bytes();
    let mut clients: Vec<(usize, Client)> =
        (1..bytes.len()).map(|cut| (cut, gateway.connect_binary())).collect();
    let received = gateway.metrics().value("websocket_bytes_received_total");
    let mut sent = 0;
    for (cut, client) in &mut clients {
        client.send(&bytes[..*cut]);
        sent += *cut;
    }
    gateway.await_metric("websocket_bytes_received_total", received + sent as f64);
    for (cut, client) in &mut clients {
        client.send(&bytes[*cut..]);
        let (first, second) = (client.reply(), client.reply());
        assert_eq!((first.sequence_id, &first.payload[..]), (1, payload.as_bytes()), "cut at {cut}");
        assert_eq!((second.sequence_id, &second.payload[..]), (2, &b"[]"[..]), "cut at {cut}");
    }
}
