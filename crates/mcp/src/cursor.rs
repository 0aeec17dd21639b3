//! Cursors of our own making: where a list of several sources goes on. `server/utilities/pagination`: opaque to clients.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The first byte, so that another form can be told apart.
const FORM: u8 = 1;

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Whose part of the list it is; up to 255 bytes.
    pub source: String,
    /// Where in that part, in the source's own words; none for its beginning.
    pub at: Option<String>,
}

impl Cursor {
    /// As it stands on the wire.
    pub fn write(&self) -> String {
        let source = &self.source.as_bytes()[..self.source.len().min(255)];
        let mut bytes = vec![FORM, source.len() as u8];
        bytes.extend_from_slice(source);
        if let Some(at) = &self.at {
            bytes.push(b':');
            bytes.extend_from_slice(at.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Self::write`] wrote; `None` for anything else, which is answered with -32602.
    pub fn read(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let [FORM, len, rest @ ..] = &*bytes else { return None };
        let (source, rest) = rest.split_at_checked(usize::from(*len))?;
        let at = match rest {
            [] => None,
            [b':', at @ ..] => Some(String::from_utf8(at.to_vec()).ok()?),
            _ => return None,
        };
        Some(Self { source: String::from_utf8(source.to_vec()).ok()?, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is() {
        for (source, at) in [("", None), ("words", None), ("words", Some("")), ("é", Some("a:b"))] {
            let cursor = Cursor { source: source.into(), at: at.map(str::to_owned) };
            assert_eq!(Cursor::read(&cursor.write()), Some(cursor));
        }
        for text in ["", "AA", "AQU", "x y", "AQFhYg"] {
            assert_eq!(Cursor::read(text), None, "{text}");
        }
    }
}
