//! Contexts as resources: `context://{id}`. What else is known of one stands in its `_meta`.

use mcp::{Edit, text};
use protocol::json;

/// What the URI of a context begins with.
pub(super) const SCHEME: &str = "context://";

/// The template of all of them. `server/resources`, "Resource Templates".
pub(super) const TEMPLATE: &str = "{\"uriTemplate\":\"context://{id}\",\"name\":\"context\",\
    \"title\":\"A context\",\"description\":\"What agents of this tenant keep for each other, by its id\"}";

/// Where all members of a context but its content are told.
const META: &str = "mcpw/context";

/// The id in the URI of a context.
pub(super) fn id_of(uri: &str) -> Option<&str> {
    uri.strip_prefix(SCHEME).filter(|id| !id.is_empty() && !id.contains('/'))
}

/// The params of `context.get`.
pub(super) fn named(id: &str) -> String {
    format!("{{\"id\":{}}}", text::quoted(id))
}

/// A page of `context.list` as raw resources, and where the next page begins.
pub(super) fn resources(page: &str) -> (Vec<String>, Option<String>) {
    let contexts = json::member(page, "contexts").unwrap_or("[]");
    let next = text::member(page, "next_cursor").map(std::borrow::Cow::into_owned);
    (text::elements(contexts).map(resource).collect(), next)
}

/// A context without content as a resource. Its name and description are its metadata's, if they are there.
fn resource(context: &str) -> String {
    let id = text::member(context, "id").unwrap_or_default();
    let metadata = json::member(context, "metadata").unwrap_or("{}");
    let said = |name| text::member(metadata, name);
    let name = said("name").or_else(|| said("title")).unwrap_or_else(|| id.clone());
    let mut out = format!("{{\"uri\":{},\"name\":{}", text::quoted(&uri(&id)), text::quoted(&name));
    for member in ["title", "description"] {
        if let Some(text) = said(member) {
            out += &format!(",{}:{}", text::quoted(member), text::quoted(&text));
        }
    }
    if let Some(at) = text::member(context, "updated_at") {
        out += &format!(",\"annotations\":{{\"lastModified\":{}}}", text::quoted(&at));
    }
    out += &format!(",\"_meta\":{{\"{META}\":{context}}}}}");
    out
}

/// A whole context as the result of `resources/read`: a text stays a text, anything else is JSON.
pub(super) fn contents(context: &str) -> String {
    let id = text::member(context, "id").unwrap_or_default();
    let content = json::member(context, "content").unwrap_or("null");
    let (kind, shown) = match text::string(content) {
        Some(text) => ("text/plain", text),
        None => ("application/json", content.into()),
    };
    let rest = Edit::of(context).remove("content").finish();
    format!(
        "{{\"contents\":[{{\"uri\":{},\"mimeType\":\"{kind}\",\"text\":{},\"_meta\":{{\"{META}\":{rest}}}}}]}}",
        text::quoted(&uri(&id)),
        text::quoted(&shown)
    )
}

/// The URI of a context.
pub(super) fn uri(id: &str) -> String {
    [SCHEME, id].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_a_resource_of_text_or_json() {
        let page = r#"{"contexts":[{"id":"a","version":2,"updated_at":"T","metadata":{"name":"n"}}],"next_cursor":"c"}"#;
        let (resources, next) = resources(page);
        assert_eq!(next.as_deref(), Some("c"));
        assert_eq!(
            resources,
            [
                r#"{"uri":"context://a","name":"n","annotations":{"lastModified":"T"},"_meta":{"mcpw/context":{"id":"a","version":2,"updated_at":"T","metadata":{"name":"n"}}}}"#
            ]
        );
        assert_eq!(
            contents(r#"{"id":"a","version":2,"content":{"x":1.0}}"#),
            r#"{"contents":[{"uri":"context://a","mimeType":"application/json","text":"{\"x\":1.0}","_meta":{"mcpw/context":{"id":"a","version":2}}}]}"#
        );
        assert!(
            contents(r#"{"id":"a","content":"plain"}"#).contains(r#""mimeType":"text/plain","text":"plain""#)
        );
        assert_eq!(id_of("context://a"), Some("a"));
        assert_eq!(id_of("context://"), None);
        assert_eq!(id_of("file:///a"), None);
    }
}
