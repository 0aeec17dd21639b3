//! Values of headers that mirror a member of the body. `basic/transports/streamable-http`, "Value Encoding".

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use mcp::{Error, error, text};
use std::borrow::Cow;

/// Beyond it a number of JSON is not exact everywhere.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// What the one header of this name says; none if there is none.
///
/// # Errors
/// It stands more than once, or is no such value.
pub(super) fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<Cow<'a, str>>, Error> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            decoded(value).map(Some).ok_or_else(|| mismatch(format!("{name} has invalid characters")))
        }
        (Some(_), Some(_)) => Err(mismatch(format!("{name} stands more than once"))),
    }
}

/// Why a request is not taken whose headers say something else than its body. "Server Validation".
pub(super) fn mismatch(why: impl std::fmt::Display) -> Error {
    Error::new(error::HEADER_MISMATCH, format!("Header mismatch: {why}"))
}

/// A value as it was meant: plain ASCII, or UTF-8 in base64 between its marks.
fn decoded(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let text = value.to_str().ok()?.trim_matches([' ', '\t']);
    match text.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        None => Some(Cow::Borrowed(text)),
        Some(encoded) => String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok().map(Cow::Owned),
    }
}

/// Whether a header says the same as this raw JSON value; numbers are compared as such.
pub(super) fn says(header: &str, raw: &str) -> bool {
    match raw.as_bytes().first() {
        Some(b'"') => text::string(raw).is_some_and(|value| value == header),
        Some(b't' | b'f') => header == raw,
        Some(b'-' | b'0'..=b'9') => header == raw || is_same_number(header, raw),
        _ => false,
    }
}

/// Whether a raw JSON value can stand in a header.
pub(super) fn is_primitive(raw: &str) -> bool {
    !raw.starts_with(['{', '[']) && raw != "null"
}

fn is_same_number(header: &str, raw: &str) -> bool {
    // What Rust reads besides, such as inf and +1, is no decimal number here.
    let is_decimal = header.bytes().all(|byte| byte.is_ascii_digit() || b"-.eE+".contains(&byte));
    let begins = header.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    let (Ok(header), Ok(value)) = (header.parse::<f64>(), raw.parse::<f64>()) else { return false };
    is_decimal && begins && header.abs() <= SAFE && header == value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_says_what_the_body_does_however_it_is_encoded() {
        for (header, raw, same) in [
            ("us-west1", "\"us-west1\"", true),
            ("us-west1", "\"us-west2\"", false),
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", "\"Hello, 世界\"", true),
            ("=?base64?SGVsbG8sIOS4lueVjA==?=", r#""Hello, \u4e16\u754c""#, true),
            ("=?base64?IHBhZGRlZCA=?=", "\" padded \"", true),
            ("=?base64?bGluZTEKbGluZTI=?=", r#""line1\nline2""#, true),
            ("=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "\"=?base64?literal?=\"", true),
            ("=?BASE64?eA==?=", "\"x\"", false),
            ("42", "42", true),
            ("42.0", "42", true),
            ("4.2e1", "42", true),
            ("43", "42", false),
            ("+42", "42", false),
            ("inf", "42", false),
            ("9007199254740993", "9007199254740992", false),
            ("true", "true", true),
            ("True", "true", false),
            ("null", "null", false),
            ("{}", "{}", false),
        ] {
            let value = HeaderValue::from_str(header).unwrap();
            let decoded = decoded(&value).unwrap();
            assert_eq!(says(&decoded, raw), same, "{header} {raw}");
        }
    }

    #[test]
    fn what_is_no_value_or_stands_twice_is_refused() {
        let name = HeaderName::from_static("mcp-name");
        for values in [&[&b"=?base64?***?="[..]][..], &[b"=?base64?/w==?="], &[b"\xe9"], &[b"a", b"a"]] {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(&name, HeaderValue::from_bytes(value).unwrap());
            }
            assert_eq!(one(&headers, &name).unwrap_err().code, error::HEADER_MISMATCH, "{values:?}");
        }
        assert_eq!(one(&HeaderMap::new(), &name), Ok(None));
    }
}
