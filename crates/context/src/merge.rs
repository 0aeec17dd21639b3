//! JSON merge patches, as RFC 7386 has them. Numbers stay as they were written.
use std::collections::BTreeMap;

use serde_json::value::{RawValue, to_raw_value};

/// The target with the patch merged into it. Members of a merged object stand in the order of their names.
pub(crate) fn merge(target: Option<&RawValue>, patch: &RawValue) -> serde_json::Result<Box<RawValue>> {
    let Some(changes) = members(patch)? else { return Ok(patch.to_owned()) };
    let mut merged = target.map(members).transpose()?.flatten().unwrap_or_default();
    for (name, change) in changes {
        if change.get() == "null" {
            merged.remove(&name);
        } else {
            let value = merge(merged.get(&name).map(|value| &**value), &change)?;
            merged.insert(name, value);
        }
    }
    to_raw_value(&merged)
}

/// The members of an object; `None` for any other value.
pub(crate) fn members(value: &RawValue) -> serde_json::Result<Option<BTreeMap<String, Box<RawValue>>>> {
    value.get().starts_with('{').then(|| serde_json::from_str(value.get())).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, patch: &str, expected: &str) {
        let read = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        assert_eq!(merge(Some(&read(target)), &read(patch)).unwrap().get(), expected);
    }

    #[test]
    fn the_cases_of_the_rfc_hold() {
        check(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#);
        check(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}");
        check(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#);
        check(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#);
        check(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#);
        check(r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#);
        check(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#);
        check(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#);
        check(r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#);
        check(r#"{"a":"foo"}"#, "null", "null");
        check(r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#);
        check(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#);
        check("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#);
        check("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#);
    }

    #[test]
    fn numbers_stay_as_they_were_written() {
        check(r#"{"n":12345678901234567890.10}"#, r#"{"m":1e2}"#, r#"{"m":1e2,"n":12345678901234567890.10}"#);
    }
}
