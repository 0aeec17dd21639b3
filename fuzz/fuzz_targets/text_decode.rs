//! Any text frame: no panic, at least one answer, whatever is accepted is JSON to serde_json too
//! and keeps its meaning when it is sent on.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::{Limits, json, text};

fuzz_target!(|frame: &str| {
    let mut answers = 0;
    let mut whole = true;
    text::decode(frame, &Limits::default(), |message| {
        answers += 1;
        match message {
            Ok(message) => {
                if let Some(id) = message.id {
                    serde_json::from_str::<serde_json::Value>(&id.canonical())
                        .expect("a canonical id is JSON");
                }
                assert!(message.body.is_empty() || json::validate(message.body, 64).is_ok());
            }
            Err(rejection) => {
                whole &= !rejection.message.starts_with("invalid JSON");
                let mut out = Vec::new();
                rejection.answer().encode(protocol::Format::Json, &mut out);
                serde_json::from_slice::<serde_json::Value>(&out).expect("an answer is JSON");
            }
        }
    });
    assert!(answers > 0);
    if whole {
        serde_json::from_str::<serde_json::Value>(frame).expect("accepted, so serde_json accepts it");
        let _ = json::members(frame).count();
    }
});
