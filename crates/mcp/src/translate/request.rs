//! Requests: the legacy era says once at `initialize` what the modern one says in each.

use crate::{Edit, Version, meta};
use std::borrow::Cow;

/// What a legacy client said at `initialize`, and since.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// A raw object, or "".
    pub info: &'a str,
    /// A raw object, or "".
    pub capabilities: &'a str,
    /// Which log messages it wants; "" for none.
    pub log_level: &'a str,
}

/// The params of a legacy client's request as a modern one has them. `basic`, "Per-request protocol fields".
pub fn to_modern<'a>(params: &'a str, client: &Client<'_>) -> Cow<'a, str> {
    let object = |raw: &str| if raw.starts_with('{') { raw.to_owned() } else { "{}".to_owned() };
    // It asks for a task, and nobody has said that there are any: the call is a plain one. `basic/utilities/tasks` of 2025-11-25.
    Edit::of(params)
        .remove("task")
        .within(meta::NAME, |edit| {
            let edit = edit
                .set_text(meta::PROTOCOL_VERSION, Version::LATEST.name())
                .set(meta::CLIENT_CAPABILITIES, object(client.capabilities));
            let edit = if client.info.starts_with('{') {
                edit.set(meta::CLIENT_INFO, client.info.to_owned())
            } else {
                edit
            };
            if client.log_level.is_empty() { edit } else { edit.set_text(meta::LOG_LEVEL, client.log_level) }
        })
        .finish()
}

/// The params of a modern request as a legacy server takes them: without what `initialize` told it.
pub fn to_legacy(params: &str) -> Cow<'_, str> {
    const MODERN: [&str; 4] =
        [meta::PROTOCOL_VERSION, meta::CLIENT_INFO, meta::CLIENT_CAPABILITIES, meta::LOG_LEVEL];
    let edit = Edit::of(params).remove("inputResponses").remove("requestState");
    edit.strip(meta::NAME, &MODERN).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_request_becomes_modern_and_back() {
        let params = r#"{"name":"a", "arguments":{ "x" : 1.0 },"_meta":{"progressToken":7}}"#;
        let client = Client { info: r#"{"name":"c"}"#, capabilities: "", log_level: "info" };
        let modern = to_modern(params, &client);
        let read = crate::Meta::of(&modern);
        assert_eq!(read.version.as_deref(), Some("2026-07-28"));
        assert_eq!(read.client_capabilities, Some("{}"));
        assert_eq!(read.client_info, Some(r#"{"name":"c"}"#));
        assert_eq!(read.log_level.as_deref(), Some("info"));
        assert_eq!(to_legacy(&modern), params);
        assert_eq!(to_legacy(r#"{"a":1}"#), r#"{"a":1}"#);
        let task = to_modern(r#"{"name":"a","task":{"ttl":1}}"#, &client);
        assert_eq!(to_legacy(&task), r#"{"name":"a"}"#);
        assert!(task.starts_with(r#"{"name":"a","_meta""#), "{task}");
    }
}
