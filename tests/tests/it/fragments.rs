//! Messages in fragments: sizes in sum, counts, and how long they may take.

use serde_json::json;
use std::time::{Duration, Instant};
use tests::{Client, Draft, Gateway, Opcode};

/// A request to echo of exactly this many bytes.
fn echo_of_len(len: usize) -> String {
    let empty = r#"{"id":1,"type":0,"method":"echo","params":""}"#;
    empty.replace("\"\"", &format!("\"{}\"", "x".repeat(len - empty.len())))
}

/// Cuts a message into frames of these sizes and the rest.
fn send_in_fragments(client: &mut Client, message: &[u8], size: usize) {
    let chunks: Vec<_> = message.chunks(size).collect();
    let mut bytes = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let opcode = if index == 0 { Opcode::TEXT } else { Opcode::CONTINUATION };
        let draft = Draft::new(opcode, chunk);
        bytes.extend(if index + 1 == chunks.len() { draft } else { draft.unfinished() }.bytes());
    }
    client.send(&bytes);
}

#[test]
fn a_message_of_max_message_size_is_answered_in_one_frame_and_in_fragments() {
    for limit in [125, 4_096, 1 << 20] {
        let gateway = Gateway::with(|config| {
            config.websocket.max_message_size = limit;
            config.websocket.max_frame_size = limit;
        });
        let mut client = gateway.connect();
        let message = echo_of_len(limit);
        client.text(&message);
        assert_eq!(client.message()["id"], 1);
        for size in [limit - 1, limit / 2, limit / 100 + 1] {
            send_in_fragments(&mut client, message.as_bytes(), size);
            assert_eq!(client.message()["id"], 1, "in fragments of {size}");
        }
        client.text(&echo_of_len(limit + 1));
        assert!(client.closed(1009).contains("max_frame_size"));
        gateway.await_metric("websocket_connections_closed_total{code=\"too_big\"}", 1.0);
    }
}

#[test]
fn max_frame_size_bounds_one_frame_and_max_message_size_all_of_them() {
    let gateway = Gateway::with(|config| {
        config.websocket.max_frame_size = 1_000;
        config.websocket.max_message_size = 4_000;
    });
    let mut client = gateway.connect();
    send_in_fragments(&mut client, echo_of_len(4_000).as_bytes(), 1_000);
    assert_eq!(client.message()["id"], 1);
    client.text(&echo_of_len(1_000));
    assert_eq!(client.message()["id"], 1);
    client.text(&echo_of_len(1_001));
    assert!(client.closed(1009).contains("max_frame_size"));
    let mut client = gateway.connect();
    send_in_fragments(&mut client, echo_of_len(4_001).as_bytes(), 1_000);
    assert!(client.closed(1009).contains("max_message_size"));
    // One frame can be over the message's limit too.
    let gateway = Gateway::with(|config| config.websocket.max_message_size = 1_000);
    let mut client = gateway.connect();
    client.text(&echo_of_len(1_001));
    assert!(client.closed(1009).contains("max_message_size"));
}

#[test]
fn over_limit_in_fragments() {
    let gateway = Gateway::start();
    let limit = 1 << 20;
    let mut client = gateway.connect();
    client.draft(&Draft::new(Opcode::TEXT, &vec![b' '; limit - 1]).unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, b" ").unfinished());
    // At the limit everything is still well.
    client.draft(&Draft::new(Opcode::PING, b"well"));
    assert_eq!(client.frame_of(Opcode::PONG, "a pong").payload, b"well");
    // The byte that exceeds need not even come: its frame's head is enough.
    client.send(&Draft::new(Opcode::CONTINUATION, b"").declaring(1).unfinished().bytes());
    assert!(client.closed(1009).contains("max_message_size"));
    gateway.await_metric("websocket_connections_closed_total{code=\"too_big\"}", 1.0);
}

#[test]
fn max_fragments_are_answered_and_one_more_is_not() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let message = echo_of_len(1_024);
    send_in_fragments(&mut client, message.as_bytes(), 1);
    assert_eq!(client.message()["id"], 1);
    let message = echo_of_len(1_025);
    send_in_fragments(&mut client, message.as_bytes(), 1);
    assert!(client.closed(1008).contains("max_fragments"));
    gateway.await_metric("websocket_connections_closed_total{code=\"policy_violation\"}", 1.0);
}

#[test]
fn empty_fragments_forever() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.draft(&Draft::text("").unfinished());
    let empty = Draft::new(Opcode::CONTINUATION, b"").unfinished().bytes();
    client.send(&empty.repeat(1_023));
    client.draft(&Draft::new(Opcode::PING, b"well"));
    assert_eq!(client.frame_of(Opcode::PONG, "a pong after 1,024 fragments").payload, b"well");
    client.send(&empty);
    assert!(client.closed(1008).contains("max_fragments"));
    gateway.await_metric("websocket_connections_closed_total{code=\"policy_violation\"}", 1.0);
}

#[test]
fn empty_fragments_are_part_of_a_message() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.draft(&Draft::text("").unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, br#"{"type":"#).unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, b"").unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, b"4}").unfinished());
    client.draft(&Draft::new(Opcode::CONTINUATION, b""));
    assert_eq!(client.message(), json!({"type": 5}));
}

#[test]
fn tiny_fragments() {
    let process = crate::process(|config| config.websocket.max_fragments = u32::MAX);
    let mut client = process.connect();
    let message = echo_of_len(1 << 20);
    let before = process.usage().cpu_ms();
    send_in_fragments(&mut client, message.as_bytes(), 1);
    assert_eq!(client.message()["id"], 1);
    // A million fragments: a cost that grew with the square of their number would be minutes.
    let took = process.usage().cpu_ms() - before;
    assert!(took < 5_000, "{took} ms of CPU");
}

#[test]
fn a_fragmented_text_may_have_pings_between_its_frames() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let message = echo_of_len(1_000);
    for (index, chunk) in message.as_bytes().chunks(100).enumerate() {
        let opcode = if index == 0 { Opcode::TEXT } else { Opcode::CONTINUATION };
        let draft = Draft::new(opcode, chunk);
        client.draft(&if index == 9 { draft } else { draft.unfinished() });
        if index < 9 {
            let payload = [index as u8; 9];
            client.draft(&Draft::new(Opcode::PING, &payload));
            assert_eq!(client.frame_of(Opcode::PONG, "a pong").payload, payload);
            client.draft(&Draft::new(Opcode::PONG, b"unasked"));
        }
    }
    assert_eq!(client.message()["id"], 1);
}

#[test]
fn a_close_between_fragments_is_answered() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    client.draft(&Draft::new(Opcode::TEXT, b"{").unfinished());
    client.draft(&Draft::close(1000, b""));
    client.closed(1000);
}

/// What is half-sent and then silent is cut when the time for a message is over.
fn check_half(half: &[u8]) {
    let gateway = Gateway::with(|config| config.websocket.message_timeout_ms = 300);
    let mut client = gateway.connect();
    let start = Instant::now();
    client.send(half);
    let reason = client.closed(1008);
    assert!(reason.contains("in time"), "{reason:?}");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "cut after {took:?}, before message_timeout_ms");
    gateway.await_metric("websocket_connections_closed_total{code=\"policy_violation\"}", 1.0);
}

#[test]
fn half_a_frame_and_silence() {
    let whole = Draft::text(r#"{"id":1,"type":4}"#).bytes();
    check_half(&whole[..whole.len() - 1]);
    check_half(&whole[..1]);
    check_half(&whole[..4]);
    let ping = Draft::new(Opcode::PING, b"half").bytes();
    check_half(&ping[..ping.len() - 1]);
    let close = Draft::close(1000, b"").bytes();
    check_half(&close[..close.len() - 1]);
}

#[test]
fn half_a_message_and_silence() {
    check_half(&Draft::new(Opcode::TEXT, b"{}").unfinished().bytes());
    // Control frames do not make it whole.
    let ping = Draft::new(Opcode::PONG, b"").bytes();
    check_half(&[Draft::new(Opcode::TEXT, b"{}").unfinished().bytes(), ping].concat());
}

#[test]
fn a_message_that_trickles_in_is_cut_too() {
    let gateway = Gateway::with(|config| config.websocket.message_timeout_ms = 300);
    let mut client = gateway.connect();
    client.draft(&Draft::new(Opcode::TEXT, b" ").unfinished());
    let more = Draft::new(Opcode::CONTINUATION, b" ").unfinished().bytes();
    let start = Instant::now();
    while client.receive(Duration::from_millis(20)) == tests::Received::Nothing {
        assert!(start.elapsed() < tests::PATIENCE, "the message has no end and is not cut");
        client.offer(&more);
    }
    client.closed(1008);
}
