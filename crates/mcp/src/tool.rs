//! Tools as `tools/list` has them, and what a call of a tool comes to that knows nothing of the protocol. `server/tools`.

use crate::text::quoted;
use crate::version::{Era, Version};
use crate::{Edit, text};
use protocol::json;
use std::borrow::Cow;

/// A tool that knows nothing of the protocol.
#[derive(Clone, Copy, Debug)]
pub struct Native<'a> {
    /// Its platform-wide name.
    pub name: &'a str,
    /// What it does.
    pub description: &'a str,
    /// JSON Schema of its arguments; an object of any form if it is none.
    pub input_schema: &'a str,
    /// JSON Schema of its result; "" if it is not told.
    pub output_schema: &'a str,
    /// It changes nothing.
    pub read_only: bool,
    /// It may be called twice.
    pub idempotent: bool,
    /// It may destroy something.
    pub destructive: bool,
}

impl Native<'_> {
    /// The tool as an entry of `tools/list`.
    pub fn write(&self, version: Version) -> String {
        let input = self.input_schema.trim();
        // A schema is an object whose type is "object".
        let schema = Edit::of(input).set_default("type", "\"object\"").finish();
        let mut tool = format!("{{\"name\":{}", quoted(self.name));
        if !self.description.is_empty() {
            tool += &format!(",\"description\":{}", quoted(self.description));
        }
        tool += &format!(",\"inputSchema\":{schema}");
        if let Some(schema) = output_schema(self.output_schema.trim(), version.era()) {
            tool += &format!(",\"outputSchema\":{schema}");
        }
        let Self { read_only, idempotent, destructive, .. } = *self;
        tool += &format!(
            ",\"annotations\":{{\"readOnlyHint\":{read_only},\"destructiveHint\":{destructive},\"idempotentHint\":{idempotent}}}}}"
        );
        tool
    }
}

/// A tool of a server as an entry of `tools/list`: its own object with the name that it has here.
pub fn listed<'a>(tool: &'a str, name: &str, version: Version) -> Cow<'a, str> {
    let mut edit = Edit::of(tool);
    if text::member(tool, "name").as_deref() != Some(name) {
        edit = edit.set_text("name", name);
    }
    if let Some(schema) = json::member(tool, "outputSchema")
        && output_schema(schema, version.era()).is_none()
    {
        edit = edit.remove("outputSchema");
    }
    edit.finish()
}

/// Until 2025-11-25 a result that has a schema is an object; later it is any JSON.
fn output_schema(schema: &str, era: Era) -> Option<&str> {
    let is_object = schema.starts_with('{');
    let of_object = || text::member(schema, "type").as_deref() == Some("object");
    (is_object && (era == Era::Modern || of_object())).then_some(schema)
}

/// The result of a call of such a tool: its result as text and, where that is allowed, as it is. `server/tools`, "Structured
/// Content": until 2025-11-25 an object, later any JSON.
pub fn result(result: &str, era: Era) -> String {
    let result = result.trim();
    let result = if result.is_empty() { "null" } else { result };
    let shown = text::string(result).map_or(Cow::Borrowed(result), |text| text);
    let mut out = format!("{{\"content\":[{{\"type\":\"text\",\"text\":{}}}]", quoted(&shown));
    if result.starts_with('{') || era == Era::Modern {
        out += ",\"structuredContent\":";
        out += result;
    }
    out += "}";
    out
}

/// The result of a call that the tool has failed, for the model to act on. `server/tools`, "Error Handling".
pub fn failed(message: &str, details: Option<&str>) -> String {
    let mut out = format!("{{\"content\":[{{\"type\":\"text\",\"text\":{}}}", quoted(message));
    if let Some(details) = details {
        out += &format!(",{{\"type\":\"text\",\"text\":{}}}", quoted(details));
    }
    out += "],\"isError\":true}";
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_tool_keeps_all_but_its_name() {
        let tool = r#"{"name":"a","x":[1.0], "outputSchema":{"type":"array"}}"#;
        assert_eq!(listed(tool, "a", Version::LATEST), tool);
        assert_eq!(listed(tool, "s.a", Version::LATEST_LEGACY), r#"{"name":"s.a","x":[1.0]}"#);
    }

    #[test]
    fn a_native_tool_is_told_with_a_schema_of_an_object() {
        let native = Native {
            name: "t",
            description: "d",
            input_schema: "",
            output_schema: "true",
            read_only: true,
            idempotent: true,
            destructive: false,
        };
        assert_eq!(
            native.write(Version::LATEST),
            r#"{"name":"t","description":"d","inputSchema":{"type":"object"},"annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true}}"#
        );
    }

    #[test]
    fn results_are_structured_where_the_version_allows_it() {
        assert_eq!(
            result(r#"{"a":1.0}"#, Era::Legacy),
            r#"{"content":[{"type":"text","text":"{\"a\":1.0}"}],"structuredContent":{"a":1.0}}"#
        );
        assert_eq!(result("\"x\"", Era::Legacy), r#"{"content":[{"type":"text","text":"x"}]}"#);
        assert_eq!(
            result("7", Era::Modern),
            r#"{"content":[{"type":"text","text":"7"}],"structuredContent":7}"#
        );
        assert_eq!(failed("no", None), r#"{"content":[{"type":"text","text":"no"}],"isError":true}"#);
    }
}
