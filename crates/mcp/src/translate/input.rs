//! Input from the client in several rounds. `basic/patterns/mrtr`. A legacy client is asked by requests; what it answers
//! becomes the next round.

use crate::{Edit, text};
use protocol::json;
use std::borrow::Cow;

/// Something that a server asks the client for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// Its name within the call.
    pub key: Cow<'a, str>,
    /// `sampling/createMessage`, `elicitation/create` or `roots/list`.
    pub method: Cow<'a, str>,
    /// A raw object, or "".
    pub params: &'a str,
}

/// What an `input_required` result asks for; `None` for what has no method.
pub fn asked(result: &str) -> impl Iterator<Item = Option<Asked<'_>>> {
    let requests = json::member(result, "inputRequests").unwrap_or("{}");
    json::members(requests).map(|(key, request)| {
        let method = text::member(request, "method")?;
        Some(Asked { key, method, params: json::member(request, "params").unwrap_or_default() })
    })
}

/// The state that is to be sent back, raw.
pub fn state(result: &str) -> Option<&str> {
    json::member(result, "requestState")
}

/// An `input_required` result. Each request is a key, a method and raw params.
pub fn required<'a>(
    requests: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>,
    state: Option<&str>,
) -> String {
    let requests: Vec<String> = requests
        .into_iter()
        .map(|(key, method, params)| {
            let params = if params.is_empty() { String::new() } else { format!(",\"params\":{params}") };
            format!("{}:{{\"method\":{}{params}}}", text::quoted(key), text::quoted(method))
        })
        .collect();
    let state = state.map(|state| format!(",\"requestState\":{}", text::quoted(state))).unwrap_or_default();
    format!("{{\"resultType\":\"input_required\",\"inputRequests\":{{{}}}{state}}}", requests.join(","))
}

/// The params of the next round: those of the round before with the answers (key and raw result) and the state, raw, if there
/// was one.
pub fn retry<'a>(
    params: &'a str,
    answers: impl IntoIterator<Item = (&'a str, &'a str)>,
    state: Option<&str>,
) -> Cow<'a, str> {
    let answers: Vec<String> =
        answers.into_iter().map(|(key, answer)| format!("{}:{answer}", text::quoted(key))).collect();
    let edit = Edit::of(params).set("inputResponses", format!("{{{}}}", answers.join(",")));
    match state {
        Some(state) => edit.set("requestState", state.to_owned()).finish(),
        None => edit.remove("requestState").finish(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read_as_it_was_written_and_answered_in_the_next_round() {
        let result = required(
            [("a", "elicitation/create", r#"{ "message" : "?" }"#), ("b", "roots/list", "")],
            Some("s\""),
        );
        let read: Vec<_> = asked(&result).map(|asked| asked.expect("a request")).collect();
        assert_eq!(read[0].params, r#"{ "message" : "?" }"#);
        assert_eq!((&*read[1].key, &*read[1].method, read[1].params), ("b", "roots/list", ""));
        let params = r#"{"name":"t","requestState":"old"}"#;
        let next = retry(params, [("a", r#"{"action":"decline"}"#)], state(&result));
        assert_eq!(next, r#"{"name":"t","requestState":"s\"","inputResponses":{"a":{"action":"decline"}}}"#);
        assert_eq!(retry(params, [], None), r#"{"name":"t","inputResponses":{}}"#);
    }
}
