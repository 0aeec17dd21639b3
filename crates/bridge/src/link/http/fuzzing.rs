//! Which arguments of a tool are headers too, under fire.

use super::headers::Mirrored;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderMap;
use mcp::text;
use protocol::json;
use std::collections::BTreeSet;

/// How deep a message may be.
const DEPTH: usize = 64;

/// A schema is refused with a reason, or tells which arguments are headers; each of these has the argument's value, as it is or in
/// Base64. The input is a schema, an empty line, and params.
///
/// # Panics
/// It is not so.
pub fn mcp_headers(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let (schema, params) = input.split_once("\n\n").unwrap_or((input, "{}"));
    // A message that is no JSON does not come this far.
    if [schema, params].iter().any(|text| json::validate(text, DEPTH).is_err()) {
        return;
    }
    match Mirrored::of(schema) {
        Err(reason) => assert!(reason.contains("x-mcp-header"), "{reason}"),
        Ok(mirrored) => {
            let mut headers = HeaderMap::new();
            mirrored.put(params, &mut headers);
            let mut values = BTreeSet::new();
            texts(json::member(params, "arguments").unwrap_or("{}"), &mut values);
            for (name, value) in &headers {
                assert!(name.as_str().starts_with("mcp-param-"), "{name}");
                let value = value.to_str().expect("it is visible ASCII");
                assert!(values.contains(&decoded(value)), "{name} is none of the arguments: {value}");
            }
        }
    }
}

/// What a value of a header stands for.
fn decoded(value: &str) -> String {
    let encoded = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    decoded.map_or_else(|| value.to_owned(), |bytes| String::from_utf8(bytes).expect("it was a text"))
}

/// All values within these arguments, as texts.
fn texts(object: &str, found: &mut BTreeSet<String>) {
    for (_, value) in json::members(object) {
        found.insert(text::string(value).map_or_else(|| value.to_owned(), |text| text.into_owned()));
        texts(value, found);
    }
}
