//! Trace contexts under fire.

use super::Context;

/// What is taken for a `traceparent` says the same when it is written, but for its version and the flags that nobody
/// knows.
///
/// # Panics
/// It says something else.
pub fn traceparent(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Some(context) = Context::parse(text) else { return };
    let written = context.traceparent();
    assert_eq!(Context::parse(written.as_str()), Some(context), "{text}");
    assert_eq!(written.as_str()[3..53], text[3..53]);
    assert_eq!(written.as_str().len(), 55);
}
