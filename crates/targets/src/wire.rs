//! The decoders of what clients say.

use protocol::zlib::{self, deflate};
use protocol::{Format, Limits, binary, json, text};
use serde_json::Value;

/// Any text frame: at least one answer, and whatever is accepted is JSON to serde_json too and keeps its meaning when it is
/// sent on.
pub(crate) fn text_decode(input: &[u8]) {
    let Ok(frame) = std::str::from_utf8(input) else { return };
    let (mut answers, mut whole) = (0, true);
    text::decode(frame, &Limits::default(), |message| {
        answers += 1;
        match message {
            Ok(message) => {
                if let Some(id) = message.id {
                    serde_json::from_str::<Value>(&id.canonical()).expect("a canonical id is JSON");
                }
                assert!(message.body.is_empty() || json::validate(message.body, 64).is_ok());
            }
            Err(rejection) => {
                whole &= !rejection.message.starts_with("invalid JSON");
                let mut out = Vec::new();
                rejection.answer().encode(Format::Json, &mut out);
                serde_json::from_slice::<Value>(&out).expect("an answer is JSON");
            }
        }
    });
    assert!(answers > 0);
    if whole {
        serde_json::from_str::<Value>(frame).expect("accepted, so serde_json accepts it");
        let _ = json::members(frame).count();
    }
}

/// Any binary frame: at least one answer, no more than the limit, and bodies that are JSON.
pub(crate) fn binary_decode(frame: &[u8]) {
    let limits = Limits { inflated_bytes: 64 << 10, ..Limits::default() };
    let mut answers = 0;
    binary::decode(frame, &mut Vec::new(), &limits, |message| {
        answers += 1;
        if let Ok(message) = message {
            assert!(message.body.is_empty() || json::validate(message.body, limits.depth).is_ok());
        }
    });
    assert!((1..=limits.batch).contains(&answers));
}

/// Any zlib stream: never more than the limit, and what is there already stays on errors; any bytes come back from their own
/// compression.
pub(crate) fn inflate(input: &[u8]) {
    const LIMIT: usize = 10_000;
    let mut out = b"before".to_vec();
    match zlib::inflate(input, LIMIT, &mut out) {
        Ok(()) => assert!(out.len() <= 6 + LIMIT),
        Err(_) => assert_eq!(out, b"before"),
    }
    let (mut packed, mut back) = (Vec::new(), Vec::new());
    deflate(input, &mut packed);
    assert_eq!(zlib::inflate(&packed, input.len(), &mut back), Ok(()));
    assert_eq!(back, input);
}
