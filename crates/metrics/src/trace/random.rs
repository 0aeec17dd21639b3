//! Numbers for ids and for sampling, without a lock: xoshiro256++, for each thread its own, seeded by the system.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<[u64; 4]> = Cell::new(seed());
}

fn seed() -> [u64; 4] {
    let mut bytes = [0; 32];
    // A system without random numbers has no TLS and no tokens either; ids would only be guessable.
    let _ = getrandom::fill(&mut bytes);
    let mut words = [0x9e37_79b9_7f4a_7c15; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
        *word ^= u64::from_ne_bytes(*bytes);
    }
    words
}

/// The next number of this thread.
pub(super) fn next() -> u64 {
    STATE.with(|state| {
        let mut s = state.get();
        let number = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        state.set(s);
        number
    })
}

/// The next number that is not 0, which no id may be.
pub(super) fn id() -> u64 {
    loop {
        let number = next();
        if number != 0 {
            return number;
        }
    }
}
