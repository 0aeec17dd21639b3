//! JSON as RFC 8259 says, checked strictly and without building values. Knows nothing of
//! envelopes.

mod keys;
mod members;
mod scan;
mod string;
mod write;

use std::fmt;

pub use members::{Member, Members, member, members};
pub(crate) use scan::{Fault, Scanned, Scanner};
pub use string::unescape;
pub(crate) use write::string_len;
pub use write::write_string;

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
/// surrogate, a number that is no finite f64. A `depth` over [`crate::Limits::MAX_DEPTH`] counts as that.
pub fn validate(text: &str, depth: usize) -> Result<(), Malformed> {
    scan::validate(text, depth)
}
