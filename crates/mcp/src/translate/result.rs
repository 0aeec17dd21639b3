//! Results: the modern era says of each what it is, who made it, and how long it holds.

use crate::{Edit, meta, method, text};
use protocol::json;
use std::borrow::Cow;

/// The only members that a legacy result has not. `basic`, "ResultType"; `server/utilities/caching`.
const MODERN: [&str; 3] = ["resultType", "ttlMs", "cacheScope"];

/// Whether the result ends the call: no input is asked for.
pub fn is_complete(result: &str) -> bool {
    json::member(result, "resultType").is_none_or(|raw| text::string(raw).as_deref() == Some("complete"))
}

/// Whether the result asks the client for something. `basic/patterns/mrtr`.
pub fn asks_for_input(result: &str) -> bool {
    text::member(result, "resultType").as_deref() == Some("input_required")
}

/// A modern result as a legacy client takes it.
pub fn to_legacy(result: &str) -> Cow<'_, str> {
    let edit = MODERN.into_iter().fold(Edit::of(result), Edit::remove);
    edit.strip(meta::NAME, &[meta::SERVER_INFO]).finish()
}

/// The result of a tool as a legacy client takes it: until 2025-11-25 `structuredContent` is an object.
pub fn tool_to_legacy(result: &str) -> Cow<'_, str> {
    let structured = json::member(result, "structuredContent");
    let edit = MODERN.into_iter().fold(Edit::of(result), Edit::remove);
    let edit = edit.strip(meta::NAME, &[meta::SERVER_INFO]);
    match structured {
        Some(value) if !value.starts_with('{') => edit.remove("structuredContent").finish(),
        _ => edit.finish(),
    }
}

/// How long a result holds, and for whom. `server/utilities/caching`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Milliseconds.
    pub ttl_ms: u64,
    /// Whether everybody gets the same.
    pub is_public: bool,
}

impl Cache {
    /// What is true of a server that says nothing: good for now, and for nobody else.
    pub const NONE: Self = Self { ttl_ms: 0, is_public: false };
}

/// Whether results of this method say how long they hold.
pub fn is_cacheable(of: &str) -> bool {
    matches!(
        of,
        method::TOOLS_LIST
            | method::PROMPTS_LIST
            | method::RESOURCES_LIST
            | method::RESOURCES_READ
            | method::TEMPLATES_LIST
            | method::DISCOVER
    )
}

/// A legacy result as a modern one. What is there already stays.
pub fn to_modern<'a>(result: &'a str, of: &str, cache: Cache, server_info: Option<&str>) -> Cow<'a, str> {
    let mut edit = Edit::of(result).set_default("resultType", "\"complete\"");
    if is_cacheable(of) && is_complete(result) {
        let scope = if cache.is_public { "\"public\"" } else { "\"private\"" };
        edit = edit.set_default("ttlMs", cache.ttl_ms.to_string()).set_default("cacheScope", scope);
    }
    if let Some(info) = server_info {
        edit = edit.within(meta::NAME, |edit| edit.set_default(meta::SERVER_INFO, info.to_owned()));
    }
    edit.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_becomes_modern_and_legacy_again() {
        let legacy = r#"{"tools":[ {"x":1.0} ],"_meta":{"k":1}}"#;
        let modern = to_modern(legacy, "tools/list", Cache::NONE, Some(r#"{"name":"s"}"#));
        assert_eq!(
            modern,
            r#"{"tools":[ {"x":1.0} ],"_meta":{"k":1,"io.modelcontextprotocol/serverInfo":{"name":"s"}},"resultType":"complete","ttlMs":0,"cacheScope":"private"}"#
        );
        assert_eq!(to_legacy(&modern), legacy);
        let bare = to_modern("{}", "tools/list", Cache::NONE, Some(r#"{"name":"s"}"#));
        assert_eq!(to_legacy(&bare), "{}");
        let asks = r#"{"resultType":"input_required","requestState":"x"}"#;
        assert_eq!(to_modern(asks, "tools/call", Cache::NONE, None), asks);
        assert!(asks_for_input(asks) && !is_complete(asks) && is_complete("{}"));
    }

    #[test]
    fn structured_content_that_is_no_object_is_kept_from_legacy_clients() {
        let result = r#"{"content":[],"structuredContent":[1],"resultType":"complete"}"#;
        assert_eq!(tool_to_legacy(result), r#"{"content":[]}"#);
        let result = r#"{"content":[],"structuredContent":{"a":1},"resultType":"complete"}"#;
        assert_eq!(tool_to_legacy(result), r#"{"content":[],"structuredContent":{"a":1}}"#);
    }
}
