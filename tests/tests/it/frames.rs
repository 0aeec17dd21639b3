//! Frames that RFC 6455 forbids: each ends the connection with the right code, at the byte that breaks the rule.

use tests::{Draft, Gateway, Opcode};

/// Each of these frames ends a connection of its own with this code and a reason that says why. Nobody else
/// is touched, and each is counted once.
fn check_closed(frames: &[Draft], code: u16, label: &str, named: &str) {
    let gateway = Gateway::start();
    let mut witness = gateway.connect();
    for frame in frames {
        let mut client = gateway.connect();
        client.check_alive();
        client.draft(frame);
        let reason = client.closed(code);
        assert!(reason.contains(named), "{frame:?} was answered with {reason:?}, without {named:?}");
    }
    let series = format!("websocket_connections_closed_total{{code=\"{label}\"}}");
    gateway.await_metric(&series, frames.len() as f64);
    gateway.await_metric("websocket_connections_active", 1.0);
    witness.check_alive();
}

fn check_protocol_error(frames: &[Draft], named: &str) {
    check_closed(frames, 1002, "protocol_error", named);
}

const HELLO: &[u8] = b"{\"id\":1,\"type\":4}";

#[test]
fn unmasked_frame() {
    check_protocol_error(
        &[
            Draft::new(Opcode::TEXT, HELLO).unmasked(),
            Draft::binary(HELLO).unmasked(),
            Draft::new(Opcode::PING, b"").unmasked(),
            Draft::close(1000, b"").unmasked(),
            Draft::new(Opcode::TEXT, &[b' '; 70_000]).unmasked(),
        ],
        "mask",
    );
}

#[test]
fn rsv_bits() {
    let frames: Vec<_> = (1..8)
        .flat_map(|bits| {
            [Opcode::TEXT, Opcode::BINARY, Opcode::PING, Opcode::CLOSE, Opcode::CONTINUATION]
                .map(|opcode| Draft::new(opcode, HELLO).reserved(bits))
        })
        .collect();
    check_protocol_error(&frames, "reserved bits");
}

#[test]
fn reserved_opcodes() {
    let frames: Vec<_> = (3..=7).chain(11..=15).map(|opcode| Draft::new(Opcode(opcode), b"")).collect();
    check_protocol_error(&frames, "opcode");
    let frames: Vec<_> = (3..=7).map(|opcode| Draft::new(Opcode(opcode), HELLO).unfinished()).collect();
    check_protocol_error(&frames, "opcode");
}

#[test]
fn long_control_frames() {
    let long = [b'x'; 126];
    check_protocol_error(
        &[
            Draft::new(Opcode::PING, &long),
            Draft::new(Opcode::PONG, &long),
            Draft::close(1000, &long[..124]),
            // Short, but not said so.
            Draft::new(Opcode::PING, b"short").two_bytes_wide(),
            Draft::new(Opcode::PING, b"short").eight_bytes_wide(),
        ],
        "125",
    );
}

#[test]
fn control_frames_of_125_bytes_are_fine() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let payload = [b'x'; 125];
    client.draft(&Draft::new(Opcode::PONG, &payload));
    client.draft(&Draft::new(Opcode::PING, &payload));
    assert_eq!(client.frame_of(Opcode::PONG, "a pong").payload, payload);
    client.draft(&Draft::close(1000, &payload[..123]));
    client.closed(1000);
}

#[test]
fn fragmented_control() {
    check_protocol_error(
        &[Opcode::PING, Opcode::PONG, Opcode::CLOSE].map(|opcode| Draft::new(opcode, b"").unfinished()),
        "fragmented",
    );
}

#[test]
fn orphan_continuation() {
    let orphan = Draft::new(Opcode::CONTINUATION, HELLO);
    check_protocol_error(&[orphan.clone(), orphan.unfinished()], "continuation");
    // A message that has ended is not continued either.
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.draft(&Draft::new(Opcode::TEXT, b"{\"type\":").unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, b"4}"));
    assert_eq!(client.message()["type"], 5);
    client.draft(&Draft::new(Opcode::CONTINUATION, b""));
    client.closed(1002);
}

#[test]
fn interleaved_message() {
    let gateway = Gateway::start();
    for (first, second) in [
        (Opcode::TEXT, Opcode::TEXT),
        (Opcode::TEXT, Opcode::BINARY),
        (Opcode::BINARY, Opcode::TEXT),
        (Opcode::BINARY, Opcode::BINARY),
    ] {
        for unfinished in [false, true] {
            let mut client = gateway.connect();
            client.draft(&Draft::new(first, b"[").unfinished());
            let second = Draft::new(second, HELLO);
            client.draft(&if unfinished { second.unfinished() } else { second });
            let reason = client.closed(1002);
            assert!(reason.contains("inside"), "{reason:?}");
        }
    }
    gateway.await_metric("websocket_connections_closed_total{code=\"protocol_error\"}", 8.0);
}

#[test]
fn non_minimal_length() {
    check_protocol_error(
        &[
            Draft::text("").two_bytes_wide(),
            Draft::new(Opcode::TEXT, &[b' '; 125]).two_bytes_wide(),
            Draft::text("").eight_bytes_wide(),
            Draft::new(Opcode::TEXT, &[b' '; 126]).eight_bytes_wide(),
            Draft::new(Opcode::TEXT, &[b' '; 65_535]).eight_bytes_wide(),
        ],
        "shortest",
    );
}

#[test]
fn each_width_of_length_at_its_bounds() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let message = |text: &str| format!(r#"{{"id":1,"type":0,"method":"echo","params":"{text}"}}"#);
    for len in [125, 126, 127, 65_535, 65_536] {
        let text = "x".repeat(len - message("").len());
        let message = message(&text);
        client.text(&message);
        assert_eq!(client.message()["result"], *text);
    }
}

#[test]
fn length_top_bit() {
    check_protocol_error(
        &[
            Draft::text("").eight_bytes_wide().declaring(1 << 63),
            Draft::text("").eight_bytes_wide().declaring(u64::MAX),
            Draft::binary(b"").eight_bytes_wide().declaring(u64::MAX),
        ],
        "top bit",
    );
}

#[test]
fn declared_over_the_limit() {
    let lengths = [1_048_577, u64::from(u32::MAX), 1 << 32, (1 << 63) - 1];
    let frames = lengths.map(|length| Draft::text("").eight_bytes_wide().declaring(length));
    check_closed(&frames, 1009, "too_big", "max_frame_size");
}

#[test]
fn echoed_frame_masked() {
    // The reader of every frame in this suite fails on a mask; here it sees every kind that is sent.
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    for mask in [[0, 0, 0, 0], [0xFF; 4], [1, 2, 3, 4]] {
        client.draft(&Draft::text(r#"{"id":1,"type":0,"method":"echo","params":[]}"#).mask(mask));
        client.frame_of(Opcode::TEXT, "an echo");
        client.draft(&Draft::new(Opcode::PING, b"masked").mask(mask));
        assert_eq!(client.frame_of(Opcode::PONG, "a pong").payload, b"masked");
    }
    client.draft(&Draft::close(1000, b"bye"));
    client.closed(1000);
    let mut client = gateway.connect_binary();
    client.packet(&tests::Packet::echo(1, b"{}"));
    assert_eq!(client.frame_of(Opcode::BINARY, "an echo").payload.len(), 26);
}
