//! The bodies of fuzz targets.

use crate::cursor::Cursor;
use crate::{Edit, Error, Message, Meta, text, translate, write};
use serde_json::Value;

const DEPTH: usize = 64;

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Any text: what is taken is written again and read as the same, and translations of it are JSON. What is refused is answered
/// with JSON.
///
/// # Panics
/// The promise is broken.
pub fn mcp_messages(input: &[u8]) {
    let Ok(frame) = std::str::from_utf8(input) else { return };
    let mut seen = 0;
    Message::decode_batch(frame, DEPTH, 10, |message| {
        seen += 1;
        let mut out = Vec::new();
        match &message {
            Ok(Message::Request { id, method, params }) => {
                write::request(*id, method, params.as_bytes(), &mut out);
                let _ = Meta::of(params);
                let client = translate::request::Client { info: "", capabilities: "", log_level: "" };
                let modern = translate::request::to_modern(params, &client);
                value(&translate::request::to_legacy(&modern));
            }
            Ok(Message::Notification { method, params }) => {
                write::notification(method, params.as_bytes(), &mut out);
                value(&translate::notification::to_modern(params, crate::Id::Token("1")));
            }
            Ok(Message::Response { id, result }) => {
                write::response(*id, result.as_bytes(), &mut out);
                let cache = translate::result::Cache::NONE;
                let modern = translate::result::to_modern(result, "tools/list", cache, Some("{}"));
                value(&translate::result::tool_to_legacy(&modern));
                translate::input::asked(result).flatten().for_each(|asked| {
                    value(&translate::input::retry(
                        "{}",
                        [(&*asked.key, "{}")],
                        translate::input::state(result),
                    ));
                });
            }
            Ok(Message::Failure { id, error }) => {
                let Some(error) = Error::read(error) else { return };
                write::failure(*id, &error, &mut out);
            }
            Err(rejection) => {
                write::failure(rejection.id, &Error::new(rejection.code, &*rejection.message), &mut out);
                value(std::str::from_utf8(&out).expect("text"));
                return;
            }
        }
        let text = std::str::from_utf8(&out).expect("text");
        let again =
            Message::decode(text, DEPTH + 1).unwrap_or_else(|rejection| panic!("{rejection:?}: {text}"));
        assert_eq!(Some(again.id()), message.as_ref().ok().map(Message::id));
        assert_eq!(again.method(), message.as_ref().ok().and_then(Message::method));
    });
    assert!(seen > 0);
}

/// Any object: members that are not told to change stay as they are, byte for byte, and those that are, are.
///
/// # Panics
/// The promise is broken.
pub fn mcp_edits(input: &[u8]) {
    let Ok(object) = std::str::from_utf8(input) else { return };
    if protocol::json::validate(object, DEPTH).is_err() {
        return;
    }
    text::elements(object).for_each(|element| drop(value(element)));
    if !object.trim_start().starts_with('{') {
        return;
    }
    let edited = Edit::of(object).set("a", "[1]").remove("b").within("c", |edit| edit.remove("d")).finish();
    value(&edited);
    let kept = |text| -> Vec<(String, String)> {
        let members =
            protocol::json::members(text).map(|(name, value)| (name.into_owned(), value.to_owned()));
        members.filter(|(name, _)| !matches!(&**name, "a" | "b" | "c")).collect()
    };
    assert_eq!(kept(object), kept(&edited));
    assert_eq!(protocol::json::member(&edited, "a"), Some("[1]"));
    assert_eq!(protocol::json::member(&edited, "b"), None);
}

/// Any cursor: what is read is written as the same.
///
/// # Panics
/// The promise is broken.
pub fn mcp_cursors(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Some(cursor) = Cursor::read(text) {
        assert_eq!(cursor.write(), text);
    }
}
