//! W3C trace context: what of a trace travels from one process to the next, as `traceparent`.

use std::fmt;

/// Which span of which trace something belongs to, and whether the trace is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    pub(super) trace: u128,
    pub(super) span: u64,
    pub(super) sampled: bool,
}

/// The length of a `traceparent` of version 00.
const LENGTH: usize = 55;

impl Context {
    /// What a `traceparent` says; `None` if it is not one by W3C's recommendation. A later version is read as far as it
    /// is like version 00.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let head = bytes.get(..LENGTH)?;
        if head[2] != b'-' || head[35] != b'-' || head[52] != b'-' {
            return None;
        }
        let version = hex(&head[..2])?;
        let is_whole = bytes.len() == LENGTH || (version > 0 && bytes[LENGTH] == b'-');
        if version == 0xff || !is_whole {
            return None;
        }
        let (trace, span) = (hex(&head[3..35])?, hex(&head[36..52])? as u64);
        let sampled = hex(&head[53..])? & 1 == 1;
        (trace != 0 && span != 0).then_some(Self { trace, span, sampled })
    }

    /// The `traceparent` that says so.
    pub fn traceparent(self) -> Traceparent {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        put(&mut text[3..35], self.trace);
        put(&mut text[36..52], self.span.into());
        text[LENGTH - 1] = b'0' + u8::from(self.sampled);
        Traceparent(text)
    }

    /// Whether the trace is kept.
    pub const fn is_sampled(self) -> bool {
        self.sampled
    }
}

/// The text of a context.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Traceparent([u8; LENGTH]);

impl Traceparent {
    /// As it stands in a header.
    pub fn as_str(&self) -> &str {
        // Digits and dashes are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A number in lower-case hexadecimal digits, as W3C has them.
fn hex(digits: &[u8]) -> Option<u128> {
    let mut number = 0;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(value);
    }
    Some(number)
}

fn put(text: &mut [u8], mut number: u128) {
    for digit in text.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number & 15) as usize];
        number >>= 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_context_reads_as_it_was_written() {
        let context = Context::parse(PARENT).expect("it is one");
        assert_eq!(context.trace, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!((context.span, context.is_sampled()), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(context.traceparent().as_str(), PARENT);
    }

    #[test]
    fn what_the_recommendation_forbids_is_no_context() {
        let check = |text: &str, sampled: Option<bool>| {
            assert_eq!(Context::parse(text).map(Context::is_sampled), sampled, "{text}");
        };
        check(&PARENT.replace("-01", "-00"), Some(false));
        check(&PARENT.replace("-01", "-fe"), Some(false));
        check(&PARENT.replace("-01", "-ff"), Some(true));
        check(&PARENT.replacen("00", "01", 1), Some(true));
        check(&format!("{}-more", PARENT.replacen("00", "cc", 1)), Some(true));
        check(&format!("{}.more", PARENT.replacen("00", "cc", 1)), None);
        check(&format!("{PARENT}-more"), None);
        check(&PARENT.replacen("00", "ff", 1), None);
        check(&PARENT.to_uppercase(), None);
        check(&PARENT.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)), None);
        check(&PARENT.replace("b7ad6b7169203331", &"0".repeat(16)), None);
        check(&PARENT.replace('-', "_"), None);
        check(&PARENT[..54], None);
        check(&PARENT.replacen("0a", "ä", 1), None);
        check(&format!(" {PARENT}"), None);
        check("", None);
    }
}
