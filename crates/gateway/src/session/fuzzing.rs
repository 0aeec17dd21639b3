//! Params of the gateway's own methods under fire.

use super::params::Params;
use protocol::{Limits, json};

/// A field is what it must be, or it is told what would be right, in a few words. The input is the params of a message
/// that was decoded.
///
/// # Panics
/// It is neither.
pub fn params(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if json::validate(text, Limits::default().depth).is_err() {
        return;
    }
    let Ok(params) = Params::of(text.trim()) else { return };
    let short = |mistake: &str| assert!(mistake.len() < 256, "{mistake}");
    for outcome in [
        params.text("token").map(drop),
        params.required_text("name").map(drop),
        params.positive("ttl").map(|number| assert_ne!(number, Some(0))),
        params.texts("names").map(drop),
        params.position().map(drop),
    ] {
        outcome.unwrap_or_else(|mistake| short(&mistake));
    }
}
