//! Any zlib stream: no panic, never more than the limit, what is left is as before on errors; and
//! any bytes come back from their own compression.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::zlib::{deflate, inflate};

const LIMIT: usize = 10_000;

fuzz_target!(|input: &[u8]| {
    let mut out = b"before".to_vec();
    match inflate(input, LIMIT, &mut out) {
        Ok(()) => assert!(out.len() <= 6 + LIMIT),
        Err(_) => assert_eq!(out, b"before"),
    }
    let (mut packed, mut back) = (Vec::new(), Vec::new());
    deflate(input, &mut packed);
    assert_eq!(inflate(&packed, input.len(), &mut back), Ok(()));
    assert_eq!(back, input);
});
