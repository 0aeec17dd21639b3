//! zlib in and out, and its bounds.

use protocol::binary::{Header, flags};
use protocol::zlib::{InflateError, deflate, inflate};
use protocol::{ErrorCode, Kind, Limits, Method};

use crate::{binary_message, decode_binary, one_binary};

/// zlib of `{"a":1}`, as Python's zlib.compress writes it.
const KNOWN: [u8; 15] =
    [0x78, 0x9c, 0xab, 0x56, 0x4a, 0x54, 0xb2, 0x32, 0xac, 0x05, 0x00, 0x08, 0x2a, 0x02, 0x09];

fn deflated(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    deflate(input, &mut out);
    out
}

fn compressed(payload: &[u8]) -> Vec<u8> {
    let header = Header::new(Kind::Request, 5, Method::Echo.code(), 0);
    binary_message(Header { flags: flags::COMPRESSED, ..header }, payload)
}

/// A JSON string of `len` bytes.
fn text(len: usize) -> Vec<u8> {
    format!("\"{}\"", "a".repeat(len - 2)).into_bytes()
}

#[test]
fn streams_of_other_implementations_are_read() {
    let mut out = b"kept ".to_vec();
    assert_eq!(inflate(&KNOWN, 7, &mut out), Ok(()));
    assert_eq!(out, b"kept {\"a\":1}");
}

#[test]
fn the_limit_is_inclusive_and_nothing_is_left_behind_over_it() {
    for size in [0, 1, 255, 256, 257, 4096, 100_000, 1 << 20] {
        let packed = deflated(&vec![7; size]);
        let mut out = b"kept".to_vec();
        assert_eq!(inflate(&packed, size, &mut out), Ok(()), "{size}");
        assert_eq!(out.len(), 4 + size);
        out.truncate(4);
        if size > 0 {
            assert_eq!(inflate(&packed, size - 1, &mut out), Err(InflateError::TooLarge), "{size}");
            assert_eq!(out, b"kept");
        }
    }
}

#[test]
fn a_bomb_is_stopped_at_the_limit() {
    let bomb = deflated(&vec![0; 64 << 20]);
    assert!(bomb.len() < 1 << 20);
    let mut out = Vec::new();
    assert_eq!(inflate(&bomb, 1000, &mut out), Err(InflateError::TooLarge));
    assert!(out.capacity() < 1 << 20);
}

#[test]
fn what_is_not_exactly_one_stream_is_malformed() {
    let malformed = |input: &[u8]| inflate(input, 1 << 20, &mut Vec::new()) == Err(InflateError::Malformed);
    for end in 0..KNOWN.len() {
        assert!(malformed(&KNOWN[..end]), "cut at {end}");
    }
    assert!(malformed(&[&KNOWN[..], &[0]].concat()));
    assert!(malformed(&[KNOWN, KNOWN].concat()));
    assert!(malformed(b"{\"a\":1}"));
    let mut wrong_sum = KNOWN;
    wrong_sum[14] ^= 1;
    assert!(malformed(&wrong_sum));
    // Asks for a preset dictionary.
    assert!(malformed(&[0x78, 0xbb, 0, 0, 0, 0, 0x4b, 0x04, 0]));
    assert!(!malformed(&KNOWN));
}

#[test]
fn incompressible_input_survives() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(300_000)
    .collect();
    let mut out = Vec::new();
    assert_eq!(inflate(&deflated(&noise), noise.len(), &mut out), Ok(()));
    assert_eq!(out, noise);
}

#[test]
fn a_compressed_message_is_inflated_up_to_the_limit() {
    let most = Limits::default().inflated_bytes;
    one_binary(&compressed(&KNOWN)).is_message();
    one_binary(&compressed(&deflated(&text(most)))).is_message();
    let over = one_binary(&compressed(&deflated(&text(most + 1))));
    over.is_rejection(Some("5"), ErrorCode::TooLarge, &["1048576"]);
    let garbage = one_binary(&compressed(b"{\"a\":1}"));
    garbage.is_rejection(Some("5"), ErrorCode::InvalidMessage, &["compressed", "zlib"]);
    let not_json = one_binary(&compressed(&deflated(b"nope")));
    not_json.is_rejection(Some("5"), ErrorCode::InvalidMessage, &["payload", "byte 0"]);
}

#[test]
fn the_limit_holds_for_all_of_a_frame_in_sum() {
    let half = compressed(&deflated(&text(Limits::default().inflated_bytes / 2)));
    let said = decode_binary(&[half.clone(), half.clone(), half, compressed(&deflated(b""))].concat());
    assert_eq!(said.len(), 4);
    said[0].is_message();
    said[1].is_message();
    said[2].is_rejection(Some("5"), ErrorCode::TooLarge, &[]);
    said[3].is_message();
}
