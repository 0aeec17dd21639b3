//! What contexts are made of and found by, under fire: the bodies of the fuzz targets.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::merge::merge;
use crate::page::{Cursor, Order};
use crate::snippet::snippets;
use crate::words::{self, Index, Query, words};

/// A merge patch changes what RFC 7386 says, and nothing else. The lines are a document and a patch.
///
/// # Panics
/// It does not.
pub fn merge_patch(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (target, patch) = text.split_once('\n').unwrap_or((&text, "{}"));
    let json = |text: &str| {
        let raw = RawValue::from_string(text.to_owned()).ok()?;
        words::check(&raw).is_ok().then_some(raw)
    };
    let (Some(target), Some(patch)) = (json(target), json(patch)) else { return };
    let value = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
    let Ok(merged) = merge(Some(&target), &patch) else { return };
    let mut expected = value(&target);
    if let (Some(target), Some(patch)) = (&mut expected, value(&patch)) {
        patched(target, &patch);
        assert_eq!(value(&merged).as_ref(), Some(&*target));
    }
}

/// The algorithm of RFC 7386 section 2.
fn patched(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(name);
        } else {
            patched(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Nothing that is searched for has a meaning but its words, whatever is searched in. The first line is what is searched
/// for, the rest a text.
///
/// # Panics
/// Something has.
pub fn search(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let (asked, text) = input.split_once('\n').unwrap_or((&input, &input));
    for (place, word, compared) in words(text) {
        assert!(text[place..].starts_with(word) && !compared.is_empty() && compared.len() <= 64);
        assert!(word.chars().all(char::is_alphanumeric), "{word:?}");
    }
    let index = Index::new("tenant", text);
    assert_eq!(
        index.line().split_whitespace().count(),
        index.line().split(' ').filter(|w| !w.is_empty()).count()
    );
    assert_eq!(index.vector().matches('\'').count() % 2, 0);
    let Ok(query) = Query::new("tenant", asked) else { return };
    assert_eq!(query.fts5().matches('"').count(), 2 * query.words.len(), "{}", query.fts5());
    assert_eq!(query.tsquery().matches('\'').count(), 2 * query.words.len(), "{}", query.tsquery());
    let pieces = snippets(text, &query.words, 3);
    assert!(pieces.len() <= 3);
    assert!(pieces.iter().all(|piece| piece.contains("**")), "{pieces:?}");
}

/// A cursor that is taken is one that was given, in the same order.
///
/// # Panics
/// It is not.
pub fn cursor(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    for order in [Order::Created, Order::Updated] {
        if let Ok(cursor) = Cursor::read(&text, order) {
            assert_eq!(cursor.write(order), text);
        }
    }
}
