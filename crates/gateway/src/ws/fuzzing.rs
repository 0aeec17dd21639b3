//! The reader of frames under fire.

use super::{Decoder, Incoming, Rules, Spare, Violation};
use crate::wheel::Tick;

const RULES: Rules = Rules { max_frame: 4_096, max_message: 6_000, max_fragments: 8 };

/// What was taken out, owned.
#[derive(Debug, PartialEq)]
enum Taken {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// What a client sends means the same however it is cut. The first byte says how, the rest is sent.
///
/// # Panics
/// It does not, or something is over its limit.
pub fn frames(input: &[u8]) {
    let Some((&cut, sent)) = input.split_first() else { return };
    let whole = decoded([sent]);
    assert_eq!(decoded(sent.chunks(usize::from(cut).max(1))), whole, "cut into parts of {cut}");
}

fn decoded<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Taken>, Option<Violation>) {
    let (mut decoder, mut spare, mut taken) = (Decoder::default(), Spare::default(), Vec::new());
    for part in parts {
        let (mut input, mut at) = (part.to_vec(), 0);
        loop {
            match decoder.next(&mut input, &mut at, &RULES, &mut spare, Tick::START) {
                Ok(Some(incoming)) => taken.push(owned(incoming)),
                Ok(None) => break,
                Err(violation) => return (taken, Some(violation)),
            }
        }
        assert_eq!(at, part.len(), "all of the input is consumed");
    }
    (taken, None)
}

fn owned(incoming: Incoming<'_>) -> Taken {
    let within = |payload: &[u8], most: usize| {
        assert!(payload.len() <= most, "{} bytes", payload.len());
        payload.to_vec()
    };
    match incoming {
        Incoming::Text(text) => {
            within(text.as_bytes(), RULES.max_message);
            Taken::Text(text.to_owned())
        }
        Incoming::Binary(bytes) => Taken::Binary(within(bytes, RULES.max_message)),
        Incoming::Ping(payload) => Taken::Ping(within(payload, 125)),
        Incoming::Pong(payload) => Taken::Pong(within(payload, 125)),
        Incoming::Close(code) => Taken::Close(code),
    }
}
