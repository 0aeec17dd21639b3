//! Any binary frame: no panic, at least one answer, no more than the limit, bodies that are JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{Limits, binary, json};

fuzz_target!(|frame: &[u8]| {
    let limits = Limits { inflated_bytes: 64 << 10, ..Limits::default() };
    let mut answers = 0;
    binary::decode(frame, &mut Vec::new(), &limits, |message| {
        answers += 1;
        if let Ok(message) = message {
            assert!(message.body.is_empty() || json::validate(message.body, limits.depth).is_ok());
        }
    });
    assert!((1..=limits.batch).contains(&answers));
});
