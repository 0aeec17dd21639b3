//! Arguments of a tool that its definition wants to see in headers too. `basic/transports/streamable-http`, "Custom Headers
//! from Tool Parameters".

use super::value::{is_primitive, mismatch, one, says};
use hyper::header::{HeaderMap, HeaderName};
use mcp::{Error, text};
use memchr::memmem;
use protocol::json;
use std::borrow::Cow;

/// What marks a property.
const MARK: &str = "x-mcp-header";

/// No schema nests its properties deeper and means it.
const DEPTH: usize = 32;

/// A marked property: the header that mirrors it, and the way to its value.
type Marked<'a> = (HeaderName, Vec<Cow<'a, str>>);

/// Whether the headers mirror the arguments, as far as the schema of the tool asks for it.
///
/// # Errors
/// One is missing, or says something else.
pub(super) fn check(headers: &HeaderMap, schema: &str, arguments: &str) -> Result<(), Error> {
    // Of most schemas nothing is marked.
    if memmem::find(schema.as_bytes(), MARK.as_bytes()).is_none() {
        return Ok(());
    }
    for (name, way) in marked(schema) {
        let value = way.iter().try_fold(arguments, |object, key| json::member(object, key));
        let value = value.filter(|raw| *raw != "null");
        match (value, one(headers, &name)?) {
            (None, None) => {}
            (Some(raw), Some(said)) if says(&said, raw) => {}
            // No client can mirror it, and the tool will not take it.
            (Some(raw), None) if !is_primitive(raw) => {}
            (Some(_), None) => return Err(mismatch(format!("the header {name} is missing"))),
            (None, Some(_)) => {
                return Err(mismatch(format!("{name} stands for an argument that is not there")));
            }
            (Some(_), Some(_)) => {
                return Err(mismatch(format!("{name} says something else than params.arguments")));
            }
        }
    }
    Ok(())
}

/// The marked properties of a schema. None of one with a mark that is not allowed: clients leave such a tool out.
fn marked(schema: &str) -> Vec<Marked<'_>> {
    let mut found = Vec::new();
    if walk(schema, &mut Vec::new(), &mut found).is_none() {
        return Vec::new();
    }
    let mut names: Vec<&HeaderName> = found.iter().map(|(name, _)| name).collect();
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    if names.windows(2).any(|two| two[0] == two[1]) { Vec::new() } else { found }
}

/// Goes through the properties of a schema, and through nothing else of it. `None` if a mark is not allowed.
fn walk<'a>(schema: &'a str, way: &mut Vec<Cow<'a, str>>, found: &mut Vec<Marked<'a>>) -> Option<()> {
    if way.len() > DEPTH {
        return None;
    }
    for (key, property) in json::members(json::member(schema, "properties").unwrap_or("{}")) {
        way.push(key);
        if let Some(mark) = json::member(property, MARK) {
            let kind = text::member(property, "type")?;
            let mark = text::string(mark).filter(|mark| !mark.is_empty())?;
            if !matches!(&*kind, "string" | "integer" | "boolean") {
                return None;
            }
            let name = HeaderName::from_bytes(format!("mcp-param-{mark}").as_bytes()).ok()?;
            found.push((name, way.clone()));
        }
        walk(property, way, found)?;
        way.pop();
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    const SCHEMA: &str = r#"{"type":"object","properties":{
        "region":{"type":"string","x-mcp-header":"Region"},
        "deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},
        "rest":{"type":"string"}}}"#;

    fn check_with(given: &[(&'static str, &str)], schema: &str, arguments: &str) -> bool {
        let headers = given
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        check(&headers, schema, arguments).is_ok()
    }

    #[test]
    fn what_is_marked_is_mirrored_where_it_has_a_value() {
        let both = &[("mcp-param-region", "us"), ("mcp-param-n", "7")][..];
        for (given, arguments, is_right) in [
            (both, r#"{"region":"us","deep":{"n":7}}"#, true),
            (both, r#"{"region":"us","deep":{"n":8}}"#, false),
            (both, r#"{"region":"us"}"#, false),
            (&[], r#"{"rest":"x"}"#, true),
            (&[], r#"{"region":null,"deep":{}}"#, true),
            (&[], r#"{"region":"us"}"#, false),
            (&[("mcp-param-region", "us")], r#"{"region":null}"#, false),
            (&[("mcp-param-other", "x")], "{}", true),
            (&[], r#"{"region":{"a":1},"deep":7}"#, true),
        ] {
            assert_eq!(check_with(given, SCHEMA, arguments), is_right, "{given:?} {arguments}");
        }
    }

    #[test]
    fn marks_that_are_not_allowed_ask_for_nothing() {
        for property in [
            r#"{"type":"number","x-mcp-header":"A"}"#,
            r#"{"type":"string","x-mcp-header":""}"#,
            r#"{"type":"string","x-mcp-header":"A B"}"#,
            r#"{"type":"string","x-mcp-header":7}"#,
            r#"{"x-mcp-header":"A"}"#,
        ] {
            let schema = format!(r#"{{"properties":{{"a":{property}}}}}"#);
            assert!(check_with(&[], &schema, r#"{"a":"x"}"#), "{schema}");
        }
        let same = r#"{"type":"string","x-mcp-header":"a"},"b":{"type":"string","x-mcp-header":"A"}"#;
        assert!(check_with(&[], &format!(r#"{{"properties":{{"a":{same}}}}}"#), r#"{"a":"x"}"#));
    }
}
