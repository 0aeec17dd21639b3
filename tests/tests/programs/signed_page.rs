//! The signed messages that docs/protocol.md shows, made anew.

use crate::markdown::blocks;
use crate::repository;
use tests::{Packet, Signatures};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const CONNECTION: &str = "AAECAwQFBgcICQoLDA0ODw";
const TIMESTAMP: u64 = 1_769_860_800_000;

#[track_caller]
fn check(title: &str, expected: &str) {
    let shown = blocks(&repository().join("docs/protocol.md"))
        .into_iter()
        .find(|block| block.title.as_deref() == Some(title))
        .unwrap_or_else(|| panic!("docs/protocol.md has no block with title={title}"));
    let shown: Vec<&str> = shown.text.split_whitespace().collect();
    assert_eq!(shown.join(" "), expected, "{title}");
}

#[test]
fn the_page_shows_a_text_with_its_signature() {
    let message = r#"{"id":1,"type":0,"method":"echo","params":"hi"}"#;
    check("signed.json", &Signatures::with(KEY, CONNECTION).text_at(message, TIMESTAMP, 1));
}

#[test]
fn the_page_shows_a_packet_with_its_signature() {
    let packet = Signatures::with(KEY, CONNECTION).packet_at(&Packet::echo(1, b"\"hi\""), TIMESTAMP);
    let bytes: Vec<String> = packet.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    check("signed.hex", &bytes.join(" "));
}
