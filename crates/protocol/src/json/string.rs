//! The inside of JSON strings: finding their end eight bytes at a time, checking and undoing
//! escapes.

use std::borrow::Cow;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The high bit of the lowest byte of `word` that is a quote, a backslash or a control character;
/// bits above that one mean nothing.
#[inline(always)]
const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let below = word.wrapping_sub(ONES * b' ' as u64) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let backslash = backslash.wrapping_sub(ONES) & !backslash;
    (below | quote | backslash) & HIGHS
}

/// The first place from `at` on of a quote, a backslash or a control character, or the end.
#[inline(always)]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let found = special(u64::from_le_bytes(*chunk));
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(&byte) = bytes.get(at) {
        if byte < b' ' || byte == b'"' || byte == b'\\' {
            break;
        }
        at += 1;
    }
    at
}

/// Checks the escape whose backslash stands at `at`. Answers where it ends, or where and why it is
/// none.
pub(super) fn escape_end(bytes: &[u8], at: usize) -> Result<usize, (usize, &'static str)> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            let unit = hex4(bytes, at + 2).ok_or((at, "expected four hexadecimal digits after \\u"))?;
            match unit {
                0xD800..0xDC00 => {
                    let low = match bytes.get(at + 6..at + 8) {
                        Some(b"\\u") => hex4(bytes, at + 8),
                        _ => None,
                    };
                    match low {
                        Some(0xDC00..0xE000) => Ok(at + 12),
                        _ => Err((at, "a high surrogate must be followed by a low one")),
                    }
                }
                0xDC00..0xE000 => Err((at, "a low surrogate must follow a high one")),
                _ => Ok(at + 6),
            }
        }
        _ => Err((at, "unknown escape; known are \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\u")),
    }
}

fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..at + 4)?
        .iter()
        .try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// The content of a checked string (without its quotes) with its escapes undone. What is no valid
/// escape becomes U+FFFD.
pub fn unescape(raw: &str) -> Cow<'_, str> {
    let Some(first) = memchr::memchr(b'\\', raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let mut content = String::with_capacity(raw.len());
    let (mut plain, mut rest) = raw.split_at(first);
    loop {
        content.push_str(plain);
        if rest.is_empty() {
            return Cow::Owned(content);
        }
        let (character, len) = escaped(rest);
        content.push(character);
        rest = rest.get(len..).unwrap_or("");
        (plain, rest) = rest.split_at(memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len()));
    }
}

/// The character that the escape at the start of `raw` stands for, and the escape's length.
fn escaped(raw: &str) -> (char, usize) {
    let bytes = raw.as_bytes();
    let short = |character| (character, 2);
    match bytes.get(1) {
        Some(b'b') => short('\u{8}'),
        Some(b'f') => short('\u{c}'),
        Some(b'n') => short('\n'),
        Some(b'r') => short('\r'),
        Some(b't') => short('\t'),
        Some(b'u') => match (hex4(bytes, 2), hex4(bytes, 8)) {
            (Some(high @ 0xD800..0xDC00), Some(low @ 0xDC00..0xE000)) => {
                let point = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                (char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 12)
            }
            (Some(unit), _) => (char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6),
            (None, _) => short(char::REPLACEMENT_CHARACTER),
        },
        Some(&byte @ (b'"' | b'\\' | b'/')) => short(char::from(byte)),
        _ => (char::REPLACEMENT_CHARACTER, 1),
    }
}
