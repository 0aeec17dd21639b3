//! What a collector is told beside spans, such as who sends them: from the settings, and from a file.

use opentelemetry_http::Request;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// The value of a header, which may be a secret. It is read, and never written out again.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct HeaderValue(pub String);

impl Serialize for HeaderValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("[redacted]")
    }
}

impl fmt::Debug for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderValue(..)")
    }
}

/// The headers of a file: `name: value` in a line each; empty lines and those that begin with `#` say nothing.
///
/// # Errors
/// The number of the line that is none.
pub(super) fn parse(text: &str) -> Result<Vec<(String, HeaderValue)>, usize> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(at, line)| {
            let (name, value) = line.split_once(':').ok_or(at)?;
            let value = HeaderValue(value.trim().to_owned());
            check(name.trim(), &value).then(|| (name.trim().to_owned(), value)).ok_or(at)
        })
        .collect()
}

/// Whether both can stand in a header.
pub(super) fn check(name: &str, value: &HeaderValue) -> bool {
    Request::get("/").header(name, &value.0).body(()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_a_header_in_a_line() {
        let read =
            |text| parse(text).map(|all| all.into_iter().map(|(name, value)| (name, value.0)).collect());
        let two = vec![("x-key".to_owned(), "a: b".to_owned()), ("y".to_owned(), String::new())];
        assert_eq!(read("# who we are\n\n x-key :  a: b \r\ny:\n"), Ok(two));
        assert_eq!(read(""), Ok(Vec::new()));
        assert_eq!(read("a: b\nc\n"), Err(2));
        assert_eq!(read("a b: c"), Err(1));
        assert_eq!(read("a: \u{1}"), Err(1));
    }

    #[test]
    fn a_value_is_not_written_out() {
        let value = HeaderValue("geheim".to_owned());
        assert!(!format!("{value:?}").contains("geheim"));
    }
}
