//! Messages as they go out: JSON-RPC of what any other client would be told in its own words.

use mcp::{Error, error, text, write};
use protocol::{ErrorCode, Kind, Outgoing, json};
use std::borrow::Cow;

/// What the gateway's own notifications begin with here.
const OWN: &str = "notifications/mcpw/";

/// Appends a message.
pub(in crate::session) fn encode(message: &Outgoing<'_>, out: &mut Vec<u8>) {
    match (message.kind, message.id) {
        (Kind::Response, Some(id)) => write::response(id, &message.body, out),
        (Kind::Error, id) => write::failure(id, &error_of(&message.body), out),
        (Kind::Notification, _) => write::notification(&name(&message.method_name), &message.body, out),
        (Kind::Request, Some(id)) => write::request(id, &message.method_name, &message.body, out),
        (Kind::Pong, Some(id)) => write::response(id, b"{}", out),
        // There are no others.
        (Kind::Response | Kind::Request | Kind::Ping | Kind::Pong, _) => {}
    }
}

/// A notification of the gateway's own has a name that no other can have.
fn name<'a>(name: &'a str) -> Cow<'a, str> {
    if name.starts_with("notifications/") { Cow::Borrowed(name) } else { Cow::Owned([OWN, name].concat()) }
}

/// `{code, message, details}` of the platform as an error of the protocol.
fn error_of(body: &[u8]) -> Error {
    let body = std::str::from_utf8(body).unwrap_or_default();
    let code = json::member(body, "code").and_then(|code| code.parse().ok()).and_then(ErrorCode::from_u16);
    let message = text::member(body, "message").unwrap_or_default();
    let code = code.unwrap_or(ErrorCode::Internal);
    let error = Error::of(code, &message, json::member(body, "details"));
    // JSON-RPC tells a text that is no JSON from one that is no message.
    let is_no_json = code == ErrorCode::InvalidMessage && message.starts_with("invalid JSON");
    if is_no_json { Error { code: error::PARSE_ERROR, ..error } } else { error }
}
