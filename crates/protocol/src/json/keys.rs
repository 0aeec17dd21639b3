//! The keys of the objects that are open, to find one that stands twice. Few keys are compared one
//! by one; many are hashed with a random key and sorted, so that nobody can make it slow.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use super::string::unescape;

/// Up to so many keys of one object, comparing each with each is the fastest.
const FEW: usize = 16;
/// A thread keeps no larger stack than this for the next text.
const KEPT: usize = 1024;

/// One key: where it stands without its quotes, and a word that is equal for equal keys.
#[derive(Clone, Copy)]
pub(super) struct Key {
    word: u64,
    start: u32,
    /// The length, with [`ESCAPED`] if the key was written with escapes.
    len: u32,
}

/// Keys are shorter than 2 GiB, since their texts are.
const ESCAPED: u32 = 1 << 31;

impl Key {
    #[inline(always)]
    pub(super) fn new(text: &str, start: usize, end: usize, escaped: bool) -> Self {
        let bytes = text.as_bytes();
        let word = if escaped {
            let content = unescape(&text[start..end]);
            word(content.as_bytes(), 0, content.len())
        } else {
            word(bytes, start, end - start)
        };
        // The scanner refuses texts whose positions don't fit.
        let len = (end - start) as u32 | if escaped { ESCAPED } else { 0 };
        Self { word, start: start as u32, len }
    }

    fn raw<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start as usize..][..(self.len & !ESCAPED) as usize]
    }

    const fn escaped(&self) -> bool {
        self.len & ESCAPED != 0
    }

    fn equals(&self, other: &Self, text: &str) -> bool {
        match (self.escaped(), other.escaped()) {
            (false, false) => self.raw(text) == other.raw(text),
            _ => unescape(self.raw(text)) == unescape(other.raw(text)),
        }
    }
}

/// The first eight bytes, mixed with the length.
#[inline(always)]
fn word(bytes: &[u8], start: usize, len: usize) -> u64 {
    let head = match bytes.get(start..).and_then(<[u8]>::first_chunk::<8>) {
        Some(chunk) if len >= 8 => u64::from_le_bytes(*chunk),
        Some(chunk) => u64::from_le_bytes(*chunk) & ((1 << (8 * len)) - 1),
        None => bytes[start..start + len].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    };
    head.wrapping_add((len as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

/// The keys of all open objects; those of the innermost are the last.
pub(super) struct Keys {
    stack: Vec<Key>,
}

thread_local! {
    static STACK: Cell<Vec<Key>> = const { Cell::new(Vec::new()) };
}

impl Keys {
    /// Takes the thread's stack, so that no text allocates one.
    pub(super) fn take() -> Self {
        Self { stack: STACK.take() }
    }

    /// Gives the stack back.
    pub(super) fn put_back(mut self) {
        if self.stack.capacity() <= KEPT {
            self.stack.clear();
            STACK.set(self.stack);
        }
    }

    /// Where the keys of an object that opens now begin.
    #[inline(always)]
    pub(super) fn open(&self) -> usize {
        self.stack.len()
    }

    /// Adds a key to the object that began at `base`; false if it is there already. Later keys of
    /// large objects are only compared in [`Self::close`].
    #[inline(always)]
    pub(super) fn add(&mut self, base: usize, key: Key, text: &str) -> bool {
        let siblings = &self.stack[base..];
        if siblings.len() < FEW
            && siblings.iter().any(|other| other.word == key.word && other.equals(&key, text))
        {
            return false;
        }
        self.stack.push(key);
        true
    }

    /// Forgets the object that began at `base`; or says where a key stands the second time.
    #[inline(always)]
    pub(super) fn close(&mut self, base: usize, text: &str) -> Result<(), usize> {
        let result = if self.stack.len() - base > FEW { self.check_many(base, text) } else { Ok(()) };
        self.stack.truncate(base);
        result
    }

    #[cold]
    fn check_many(&mut self, base: usize, text: &str) -> Result<(), usize> {
        let state = RandomState::new();
        let keys = &mut self.stack[base..];
        for key in keys.iter_mut() {
            key.word = match key.escaped() {
                false => state.hash_one(key.raw(text)),
                true => state.hash_one(&*unescape(key.raw(text))),
            };
        }
        keys.sort_unstable_by_key(|key| (key.word, key.start));
        match keys.windows(2).find(|pair| pair[0].word == pair[1].word && pair[0].equals(&pair[1], text)) {
            Some(pair) => Err(pair[1].start as usize - 1),
            None => Ok(()),
        }
    }
}
