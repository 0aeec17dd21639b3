//! Errors whose meaning another era says in other words.

use crate::error::{INVALID_PARAMS, RESOURCE_NOT_FOUND, URL_NEEDED};
use crate::{Edit, Error, method, text};
use protocol::json;
use std::borrow::Cow;

fn code(error: &str) -> Option<i64> {
    json::member(error, "code")?.parse().ok()
}

/// A legacy server's error, raw, as a modern one has it: that there is no such resource has another code.
pub fn to_modern<'a>(error: &'a str, of: &str) -> Cow<'a, str> {
    if of == method::RESOURCES_READ && code(error) == Some(RESOURCE_NOT_FOUND) {
        return Edit::of(error).set("code", INVALID_PARAMS.to_string()).finish();
    }
    Cow::Borrowed(error)
}

/// An error as a legacy client takes it.
pub fn to_legacy(error: Error, of: &str) -> Error {
    match (of, error.code) {
        (method::RESOURCES_READ, INVALID_PARAMS) => Error { code: RESOURCE_NOT_FOUND, ..error },
        _ => error,
    }
}

/// The `input_required` result that this error of a legacy server, raw, is in the modern era: pages have to be visited first.
/// There is no state: the request that comes then is another one. None of any other error. `client/elicitation` of 2025-11-25,
/// "URL Elicitation Required Error".
pub fn to_input(error: &str) -> Option<String> {
    if code(error) != Some(URL_NEEDED) {
        return None;
    }
    let pages = json::member(json::member(error, "data")?, "elicitations")?;
    let asked: Vec<(String, &str)> =
        text::elements(pages).enumerate().map(|(at, params)| (format!("page-{at}"), params)).collect();
    if asked.is_empty() || asked.iter().any(|(_, params)| !params.starts_with('{')) {
        return None;
    }
    let asked = asked.iter().map(|(key, params)| (key.as_str(), method::ELICIT, *params));
    Some(super::input::required(asked, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_that_is_not_there_has_each_eras_code() {
        let legacy = r#"{"code":-32002,"message":"no","data":{ "a" : 1.0 }}"#;
        let modern = r#"{"code":-32602,"message":"no","data":{ "a" : 1.0 }}"#;
        assert_eq!(to_modern(legacy, method::RESOURCES_READ), modern);
        assert_eq!(to_modern(legacy, method::TOOLS_CALL), legacy);
        let read = |raw| Error::read(raw).expect("it is an error");
        assert_eq!(to_legacy(read(modern), method::RESOURCES_READ), read(legacy));
        assert_eq!(to_legacy(read(modern), method::PROMPTS_GET), read(modern));
    }

    #[test]
    fn pages_that_have_to_be_visited_are_asked_for() {
        let error =
            r#"{"code":-32042,"message":"visit","data":{"elicitations":[{ "mode":"url","url":"u" }]}}"#;
        assert_eq!(
            to_input(error).as_deref(),
            Some(
                r#"{"resultType":"input_required","inputRequests":{"page-0":{"method":"elicitation/create","params":{ "mode":"url","url":"u" }}}}"#
            )
        );
        for other in
            [r#"{"code":-32042,"message":"x"}"#, r#"{"code":-32042,"data":{"elicitations":[1]}}"#, "{}"]
        {
            assert_eq!(to_input(other), None, "{other}");
        }
    }
}
