//! Text that is not UTF-8 ends the connection at the byte that breaks it, however it is cut.

use tests::{Draft, Gateway, Opcode};

const CLOSED: &str = "websocket_connections_closed_total{code=\"invalid_payload\"}";

/// Byte sequences that are not UTF-8: a stray continuation, cut characters, overlong forms, surrogates,
/// beyond U+10FFFF, bytes that never occur.
const WRONG: [&[u8]; 12] = [
    b"\x80",
    b"a\xC3",
    b"\xE2\x82",
    b"\xF0\x9F\x98",
    b"\xC0\xAF",
    b"\xE0\x80\xAF",
    b"\xED\xA0\x80",
    b"\xED\xBF\xBF",
    b"\xF4\x90\x80\x80",
    b"\xF8\x88\x80\x80\x80",
    b"\xFE",
    b"\xC3(",
];

#[test]
fn invalid_utf8() {
    let gateway = Gateway::start();
    for wrong in WRONG {
        let mut client = gateway.connect();
        client.draft(&Draft::new(Opcode::TEXT, wrong));
        assert!(client.closed(1007).contains("UTF-8"), "{wrong:x?}");
    }
    gateway.await_metric(CLOSED, WRONG.len() as f64);
}

#[test]
fn invalid_utf8_split_over_fragments() {
    let gateway = Gateway::start();
    for wrong in WRONG {
        for cut in 0..=wrong.len() {
            let mut client = gateway.connect();
            client.draft(&Draft::new(Opcode::TEXT, &wrong[..cut]).unfinished());
            client.offer(&Draft::new(Opcode::CONTINUATION, &wrong[cut..]).bytes());
            assert!(client.closed(1007).contains("UTF-8"), "{wrong:x?} cut at {cut}");
        }
    }
}

#[test]
fn invalid_utf8_fails_fast() {
    let gateway = Gateway::start();
    // Neither the frame's nor the message's end has to come.
    let frame = Draft::new(Opcode::TEXT, b"{\"a\":\"\xFF").declaring(100).bytes();
    let mut client = gateway.connect();
    client.send(&frame);
    client.closed(1007);
    let mut client = gateway.connect();
    client.draft(&Draft::new(Opcode::TEXT, b"\xED\xA0").unfinished());
    client.closed(1007);
    // Byte by byte it fails at the same byte.
    let mut client = gateway.connect();
    for byte in frame {
        client.offer(&[byte]);
    }
    client.closed(1007);
    gateway.await_metric(CLOSED, 3.0);
}

#[test]
fn characters_may_be_cut_by_fragments_and_reads() {
    let gateway = Gateway::start();
    let mut client = gateway.connect();
    let text = "é€😀\u{10FFFF}\u{D7FF}\u{E000}";
    let message = format!(r#"{{"id":1,"type":0,"method":"echo","params":"{text}"}}"#);
    for cut in 0..=message.len() {
        client.draft(&Draft::new(Opcode::TEXT, &message.as_bytes()[..cut]).unfinished());
        client.draft(&Draft::new(Opcode::CONTINUATION, &message.as_bytes()[cut..]));
        assert_eq!(client.message()["result"], text, "cut at {cut}");
    }
    for byte in Draft::text(&message).bytes() {
        client.send(&[byte]);
    }
    assert_eq!(client.message()["result"], text);
}

#[test]
fn binary_frames_hold_any_bytes() {
    let gateway = Gateway::with(|config| config.websocket.echo_path = Some("/echo".to_owned()));
    let mut client = gateway.accepted(&gateway.upgrade().line("GET /echo HTTP/1.1"));
    let all: Vec<u8> = (0..=255).collect();
    client.draft(&Draft::binary(&all));
    assert_eq!(client.frame_of(Opcode::BINARY, "an echo").payload, all);
}
