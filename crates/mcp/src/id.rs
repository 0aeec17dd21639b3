//! Request ids: strings or integers, as they were written. What they name is the sender's own affair.

pub use protocol::Id;

use std::borrow::Cow;

/// Longer strings are no ids here: a journal has to keep them.
const LONGEST: usize = 128;

/// The id that this raw JSON value is. `basic`, "Requests": a string or an integer, never `null`.
pub fn read_id(raw: &str) -> Option<Id<'_>> {
    let content = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let is_id = match content {
        Some(content) => content.len() <= LONGEST || protocol::json::unescape(content).len() <= LONGEST,
        None => raw.parse::<u64>().is_ok() || raw.parse::<i64>().is_ok(),
    };
    is_id.then_some(Id::Token(raw))
}

/// An id as it was written.
pub fn raw_id(id: Id<'_>) -> Cow<'_, str> {
    match id {
        Id::Token(token) => Cow::Borrowed(token),
        Id::Sequence(number) => Cow::Owned(number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_integers_are_ids_and_come_back_as_they_were_written() {
        for raw in ["1", "-7", "18446744073709551615", "\"a\"", "\"\"", "\"\\u0061\""] {
            assert_eq!(read_id(raw), Some(Id::Token(raw)), "{raw}");
        }
        let long = format!("\"{}\"", "x".repeat(129));
        for raw in ["null", "1.5", "1e3", "true", "{}", "[]", &long] {
            assert_eq!(read_id(raw), None, "{raw}");
        }
    }
}
