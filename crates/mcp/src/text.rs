//! Raw JSON values as texts, and back.

use protocol::json;
use std::borrow::Cow;

/// What a raw value says, if it is a string.
pub fn string(raw: &str) -> Option<Cow<'_, str>> {
    let content = raw.strip_prefix('"')?.strip_suffix('"')?;
    Some(json::unescape(content))
}

/// The member of this name, if it is a string.
pub fn member<'a>(object: &'a str, name: &str) -> Option<Cow<'a, str>> {
    json::member(object, name).and_then(string)
}

/// The text as a JSON string.
pub fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    json::write_string(text, &mut out);
    // What was written is the text and ASCII.
    String::from_utf8(out).unwrap_or_default()
}

/// The raw elements of an array that was validated before; none of any other value.
pub fn elements(array: &str) -> Elements<'_> {
    let inside = array.trim_start().strip_prefix('[').unwrap_or_default();
    Elements { rest: inside }
}

/// Iterates over the elements of an array.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        if start.is_empty() || start.starts_with(']') {
            return None;
        }
        let end = value_end(start.as_bytes());
        self.rest = &start[end..];
        Some(&start[..end])
    }
}

/// Where the value that the text begins with ends.
fn value_end(bytes: &[u8]) -> usize {
    let (mut at, mut open, mut quoted) = (0, 0_usize, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => {
                quoted = !quoted;
                if !quoted && open == 0 {
                    return at + 1;
                }
            }
            _ if quoted => {}
            b'{' | b'[' => open += 1,
            b'}' | b']' if open <= 1 => return at + open,
            b'}' | b']' => open -= 1,
            b',' | b' ' | b'\t' | b'\r' | b'\n' if open == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_whatever_is_in_them() {
        let text = r#" [ 1 , "a,]\"", {"b":[1,{"c":"]}"}]} ,[[],[2]],null]"#;
        let found: Vec<&str> = elements(text).collect();
        assert_eq!(found, ["1", r#""a,]\"""#, r#"{"b":[1,{"c":"]}"}]}"#, "[[],[2]]", "null"]);
        assert_eq!(elements("[ ]").count(), 0);
        assert_eq!(elements("{}").count(), 0);
    }
}
