//! JSON as RFC 8259 says, checked strictly and without building values. Knows nothing of
//! envelopes.

mod write;

use std::borrow::Cow;
use std::fmt;

pub(crate) use write::{string_len, write_string};

/// Where a text stops being JSON that is accepted here, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// In bytes from the start of the text.
    pub offset: usize,
    /// What was expected, in words.
    pub reason: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid JSON at byte {}: {}", self.offset, self.reason)
    }
}

impl std::error::Error for Malformed {}

/// Checks that `text` is one JSON value with optional whitespace around it.
///
/// # Errors
/// Also for what RFC 8259 leaves open: nesting over `depth`, a key twice in one object, a lone
/// surrogate, a number that is no finite f64.
pub fn validate(text: &str, depth: usize) -> Result<(), Malformed> {
    let _ = (text, depth);
    Err(Malformed { offset: 0, reason: "not built yet" })
}

/// The members of an object that was already validated: (key unescaped, raw value) in order. No
/// members for any other value.
pub fn members(object: &str) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
    let _ = object;
    std::iter::empty()
}

/// The content of a validated string without its escapes; `raw` is without its quotes.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    Cow::Borrowed(raw)
}
