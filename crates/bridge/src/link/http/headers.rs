//! What of a message stands in its headers too. `basic/transports/streamable-http`, "Request Metadata".
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use mcp::text;
use protocol::json;

/// The most headers of one tool.
const MOST: usize = 64;

/// A text as the value of a header: as it is if HTTP allows that, else in Base64. "Value Encoding".
pub(super) fn encoded(text: &str) -> HeaderValue {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'))
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    let plain = is_plain.then(|| HeaderValue::from_str(text).ok()).flatten();
    plain.unwrap_or_else(|| {
        let encoded = format!("=?base64?{}?=", STANDARD.encode(text));
        HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static(""))
    })
}

/// The arguments of a tool that are sent as headers too: the way to each, and its header. "Custom Headers from Tool Parameters".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mirrored(Vec<(Vec<String>, HeaderName)>);

impl Mirrored {
    /// Those of a tool with this input schema, raw.
    ///
    /// # Errors
    /// Which rule the schema breaks. Such a tool is not to be offered.
    pub(super) fn of(schema: &str) -> Result<Self, String> {
        let mut found = Self::default();
        found.collect(schema, &mut Vec::new())?;
        if schema.matches("\"x-mcp-header\"").count() != found.0.len() {
            return Err("x-mcp-header stands where no argument is reached by properties alone".to_owned());
        }
        Ok(found)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn collect(&mut self, schema: &str, way: &mut Vec<String>) -> Result<(), String> {
        for (name, property) in json::members(json::member(schema, "properties").unwrap_or("{}")) {
            way.push(name.clone().into_owned());
            if let Some(header) = json::member(property, "x-mcp-header") {
                let header = text::string(header).unwrap_or_default();
                let header = format!("mcp-param-{header}").parse::<HeaderName>();
                let header = header.map_err(|_| format!("x-mcp-header of {name:?} can be no header"))?;
                let kind = text::member(property, "type").unwrap_or_default();
                if !matches!(&*kind, "string" | "integer" | "boolean") {
                    return Err(format!("x-mcp-header of {name:?}, which is no string, integer or boolean"));
                }
                if header.as_str() == "mcp-param-" || self.0.iter().any(|(_, known)| *known == header) {
                    return Err(format!("x-mcp-header of {name:?} is empty or that of another argument"));
                }
                if self.0.len() == MOST {
                    return Err(format!("more than {MOST} arguments have x-mcp-header"));
                }
                self.0.push((way.clone(), header));
            }
            self.collect(property, way)?;
            way.pop();
        }
        Ok(())
    }

    /// Puts them, as the params of a call have them.
    pub(super) fn put(&self, params: &str, headers: &mut HeaderMap) {
        let arguments = json::member(params, "arguments").unwrap_or("{}");
        for (way, header) in &self.0 {
            let value = way.iter().try_fold(arguments, |object, name| json::member(object, name));
            let text = match value {
                Some(raw) if raw.starts_with('"') => text::string(raw).map(|text| text.into_owned()),
                Some("null") | None => None,
                Some(raw) => Some(raw.to_owned()),
            };
            if let Some(text) = text {
                headers.insert(header.clone(), encoded(&text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_encoded_as_the_specification_shows() {
        for (value, expected) in [
            ("us-west1", "us-west1"),
            ("Hello, 世界", "=?base64?SGVsbG8sIOS4lueVjA==?="),
            (" padded ", "=?base64?IHBhZGRlZCA=?="),
            ("line1\nline2", "=?base64?bGluZTEKbGluZTI=?="),
            ("=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="),
        ] {
            assert_eq!(encoded(value), expected, "{value:?}");
        }
    }

    #[test]
    fn arguments_that_are_headers_are_found_and_put() {
        let schema = r#"{"properties":{"region":{"type":"string","x-mcp-header":"Region"},
            "deep":{"properties":{"n":{"type":"integer","x-mcp-header":"N"}}},"q":{"type":"string"}}}"#;
        let mirrored = Mirrored::of(schema).expect("it keeps the rules");
        let mut headers = HeaderMap::new();
        mirrored.put(r#"{"arguments":{"region":"us","deep":{"n":-7},"q":"x"}}"#, &mut headers);
        assert_eq!(
            (headers.len(), &headers["mcp-param-region"], &headers["mcp-param-n"]),
            (2, &"us".parse().unwrap(), &"-7".parse().unwrap())
        );
        for wrong in [
            r#"{"properties":{"a":{"type":"number","x-mcp-header":"A"}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":""}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"x y"}}}"#,
            r#"{"properties":{"a":{"type":"string","x-mcp-header":"x"},"b":{"type":"string","x-mcp-header":"X"}}}"#,
            r#"{"properties":{"a":{"items":{"type":"string","x-mcp-header":"x"}}}}"#,
        ] {
            assert!(Mirrored::of(wrong).is_err(), "{wrong}");
        }
    }
}
