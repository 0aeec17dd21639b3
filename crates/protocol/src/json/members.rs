//! Looking up members of an object that was validated before. Checks nothing again; on a text
//! that is no object it ends early, without a panic.

use std::borrow::Cow;

use super::string::{plain_end, unescape};

/// Iterates over the members of an object.
#[derive(Clone, Debug)]
pub struct Members<'a> {
    text: &'a str,
    at: usize,
}

/// The members of an object that was already validated: (key unescaped, raw value), in order. None
/// for any other value.
pub fn members(object: &str) -> Members<'_> {
    let open = space(object.as_bytes(), 0);
    let is_object = object.as_bytes().get(open) == Some(&b'{');
    Members { text: object, at: if is_object { open + 1 } else { object.len() } }
}

/// The raw value of the first member of this name.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    members(object).find(|(key, _)| key == name).map(|(_, value)| value)
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let mut key = space(bytes, self.at);
        if bytes.get(key) == Some(&b',') {
            key = space(bytes, key + 1);
        }
        if bytes.get(key) != Some(&b'"') {
            self.at = self.text.len();
            return None;
        }
        // Hardly any key has escapes.
        let plain = plain_end(bytes, key + 1);
        let is_plain = bytes.get(plain) == Some(&b'"');
        let key_end = if is_plain { plain + 1 } else { string_end(bytes, key) };
        let colon = space(bytes, key_end);
        let value = space(bytes, colon + 1);
        let value_end = value_end(bytes, value);
        self.at = value_end;
        let name = self.text.get(key + 1..key_end - 1)?;
        let name = if is_plain { Cow::Borrowed(name) } else { unescape(name) };
        Some((name, self.text.get(value..value_end)?))
    }
}

fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += 1;
    }
    at
}

/// The position after the closing quote of the string that opens at `open`.
fn string_end(bytes: &[u8], open: usize) -> usize {
    let mut at = open + 1;
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return bytes.len().max(open + 1),
        }
    }
}

fn value_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    let mut open = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                if open == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' if open == 0 => break,
            b'}' | b']' => {
                open -= 1;
                if open == 0 {
                    return at + 1;
                }
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' if open == 0 => break,
            _ => {}
        }
        at += 1;
    }
    at
}
