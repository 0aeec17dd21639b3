//! What is searched for and in: words, which are runs of letters and digits, without their case. Every database
//! is given the same words, so that all find the same.
use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write as _};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::Error;
use crate::limits::{QUERY_BYTES, QUERY_WORDS};

/// A longer word counts as its beginning.
const WORD_BYTES: usize = 64;
/// What the index of one context may take; words beyond are not found. PostgreSQL refuses a vector over 1 MiB.
const INDEX_BYTES: usize = 900_000;
/// How often a word of one context is counted.
const TIMES: usize = 255;
/// The last position that PostgreSQL tells from others.
const LAST_PLACE: usize = 16_383;

/// Every string inside of these values, a line for each.
pub(crate) fn text(values: &[&RawValue]) -> String {
    let mut text = String::new();
    for value in values {
        // What is nested too deeply was refused when it came.
        if let Ok(Strings(strings)) = serde_json::from_str(value.get()) {
            text.push_str(&strings);
        }
    }
    text
}

/// Whether the value can be looked into.
pub(crate) fn check(value: &RawValue) -> serde_json::Result<()> {
    serde_json::from_str::<Strings>(value.get()).map(|_| ())
}

/// The words of a text as they are compared, with their places in it.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str, String)> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    parts.map(|word| {
        let place = word.as_ptr().addr() - text.as_ptr().addr();
        let mut compared = word[..word.floor_char_boundary(WORD_BYTES)].to_lowercase();
        compared.truncate(compared.floor_char_boundary(WORD_BYTES));
        (place, word, compared)
    })
}

/// The words of one context as a database keeps them, each behind a mark of the tenant: whoever looks for a word finds
/// the tenant's, and passes by nobody else's.
#[derive(Debug)]
pub(crate) struct Index(Vec<String>);

impl Index {
    pub(crate) fn new(tenant: &str, text: &str) -> Self {
        let mark = mark(tenant);
        let mut times = HashMap::new();
        let mut kept = Vec::new();
        let mut bytes = 0;
        for (_, _, word) in words(text) {
            let marked = format!("{mark}{word}");
            let count = times.entry(marked.clone()).or_insert(0);
            *count += 1;
            if *count > TIMES {
                continue;
            }
            bytes += if *count == 1 { marked.len() + 8 } else { 2 };
            if bytes > INDEX_BYTES {
                break;
            }
            kept.push(marked);
        }
        Self(kept)
    }

    /// As a text for FTS5.
    pub(crate) fn line(&self) -> String {
        self.0.join(" ")
    }

    /// As PostgreSQL writes a `tsvector`.
    pub(crate) fn vector(&self) -> String {
        let mut places = BTreeMap::<&str, Vec<usize>>::new();
        for (place, word) in self.0.iter().enumerate() {
            places.entry(word).or_default().push((place + 1).min(LAST_PLACE));
        }
        places.into_iter().fold(String::new(), |mut vector, (word, places)| {
            let places: Vec<_> = places.iter().map(ToString::to_string).collect();
            let _ = write!(vector, "'{word}':{} ", places.join(","));
            vector
        })
    }
}

/// The words that a context must hold, all of them.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    mark: String,
    pub(crate) words: Vec<String>,
}

impl Query {
    /// Nothing in the text has a meaning but its words.
    pub(crate) fn new(tenant: &str, text: &str) -> Result<Self, Error> {
        if text.len() > QUERY_BYTES {
            return Err(Error::invalid("query", format!("use at most {QUERY_BYTES} bytes")));
        }
        let mut found = Vec::new();
        for (_, _, word) in words(text) {
            if !found.contains(&word) {
                found.push(word);
            }
        }
        if !(1..=QUERY_WORDS).contains(&found.len()) {
            return Err(Error::invalid(
                "query",
                format!("use 1 to {QUERY_WORDS} different words of letters and digits"),
            ));
        }
        Ok(Self { mark: mark(tenant), words: found })
    }

    /// As FTS5 reads it.
    pub(crate) fn fts5(&self) -> String {
        self.joined('"', " AND ")
    }

    /// As PostgreSQL reads a `tsquery`.
    pub(crate) fn tsquery(&self) -> String {
        self.joined('\'', " & ")
    }

    /// Words have no quotes in them.
    fn joined(&self, quote: char, between: &str) -> String {
        let words: Vec<_> =
            self.words.iter().map(|word| format!("{quote}{}{word}{quote}", self.mark)).collect();
        words.join(between)
    }
}

/// Eight digits of a hash. Two tenants that share it are told apart by their contexts' rows.
fn mark(tenant: &str) -> String {
    Sha256::digest(tenant).iter().take(4).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Reads any JSON and keeps its strings, but no names of members.
struct Strings(String);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = String::new();
        Collect(&mut text).deserialize(deserializer)?;
        Ok(Self(text))
    }
}

struct Collect<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Collect<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.push_str(text);
        self.0.push('\n');
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Collect(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Collect(self.0))?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn the_text_of_json_is_its_strings() {
        let value = raw(r#"{"title":"One","list":["two",3,{"x":"four"},null,true],"n":1.5}"#);
        assert_eq!(text(&[&value, &raw("\"five\"")]), "One\ntwo\nfour\nfive\n");
    }

    #[test]
    fn words_are_letters_and_digits_without_case() {
        let found: Vec<_> =
            words("The QUICK-brown_fox, src/main.rs: Ünï 42!").map(|(_, _, word)| word).collect();
        assert_eq!(found, ["the", "quick", "brown", "fox", "src", "main", "rs", "ünï", "42"]);
    }

    #[test]
    fn a_query_has_no_syntax() {
        let query = Query::new("t", "a\" OR NOT (b* 'c' & !d:* NEAR(e)").unwrap();
        let quotes = query.fts5().matches('"').count();
        assert_eq!(quotes, 2 * query.words.len(), "{}", query.fts5());
        assert_eq!(query.words, ["a", "or", "not", "b", "c", "d", "near", "e"]);
    }

    #[test]
    fn the_index_of_a_text_of_nothing_but_new_words_has_a_bound() {
        let text: String = (0..200_000).fold(String::new(), |mut text, n| {
            let _ = write!(text, "w{n} ");
            text
        });
        let index = Index::new("t", &text);
        assert!(index.0.len() > 20_000 && index.line().len() < INDEX_BYTES, "{}", index.0.len());
    }
}
