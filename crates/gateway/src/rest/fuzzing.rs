//! What a REST request says in its URL and its headers, under fire.

use super::ask::{EVENT_STREAM, JSON, quality};
use super::query::Query;
use super::route::{self, Target};
use crate::kept::CallId;

/// A path means one thing, a parameter stands once, and the likes of a client are between nothing and all. The lines are a
/// path, a query, and `Accept`.
///
/// # Panics
/// They are not.
pub fn rest(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let mut lines = text.split('\n');
    let [path, query, accept] = [(); 3].map(|()| lines.next().unwrap_or_default());
    match Target::of(path) {
        Some(Target::Context(id)) => assert_eq!(Target::of(&route::context(&id)), Some(Target::Context(id))),
        Some(Target::Call(id)) => {
            if let Some(call) = CallId::parse(&id) {
                assert_eq!(call.to_string(), id, "one call has one name");
            }
        }
        Some(Target::Tool(name) | Target::Execute(name)) => assert!(!name.is_empty()),
        _ => {}
    }
    if let Ok(query) = Query::parse(query)
        && let Ok(Some(limit)) = query.number("limit", 100)
    {
        assert!(limit <= 100, "{limit}");
    }
    let ranges: Vec<_> = accept.split(',').collect();
    for kind in [JSON, EVENT_STREAM] {
        let quality = quality(&ranges, kind);
        assert!((0.0..=1.0).contains(&quality), "{quality} of {accept:?}");
    }
}
