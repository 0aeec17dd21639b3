//! What people and pipes get to read. Text from elsewhere is shown, never obeyed: control characters are escaped.

use std::fmt::Write as _;
use std::io::Write as _;

use client::{Error, Notification, Progress};
use protocol::ErrorCode;
use serde::Serialize;
use serde_json::value::RawValue;

/// How JSON is laid out. Either way numbers and the order of keys stay as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// All on one line, without spaces.
    Line,
    /// Two spaces for each level.
    Indented,
}

impl Layout {
    /// Lays out a text that is known to be JSON.
    pub(super) fn apply(self, json: &str) -> String {
        let mut out = String::with_capacity(json.len());
        let mut depth = 0;
        let mut quoted = false;
        let mut characters = json.chars().peekable();
        while let Some(character) = characters.next() {
            if quoted {
                out.extend(visible(character));
                match character {
                    '\\' => out.extend(characters.next()),
                    '"' => quoted = false,
                    _ => {}
                }
                continue;
            }
            match character {
                ' ' | '\t' | '\n' | '\r' => {}
                '{' | '[' => {
                    out.push(character);
                    while characters.next_if(char::is_ascii_whitespace).is_some() {}
                    if let Some(close) = characters.next_if(|next| matches!(next, '}' | ']')) {
                        out.push(close);
                    } else {
                        depth += 1;
                        self.line_break(depth, &mut out);
                    }
                }
                '}' | ']' => {
                    depth = usize::saturating_sub(depth, 1);
                    self.line_break(depth, &mut out);
                    out.push(character);
                }
                ',' => {
                    out.push(character);
                    self.line_break(depth, &mut out);
                }
                ':' if self == Self::Indented => out.push_str(": "),
                _ => {
                    quoted = character == '"';
                    out.push(character);
                }
            }
        }
        out
    }

    fn line_break(self, depth: usize, out: &mut String) {
        if self == Self::Indented {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    }
}

/// A character of a JSON string; those that could command a terminal as their escapes.
fn visible(character: char) -> impl Iterator<Item = char> {
    let escape =
        if character.is_control() { format!("\\u{:04x}", u32::from(character)) } else { String::new() };
    let plain = escape.is_empty().then_some(character);
    plain.into_iter().chain(escape.chars().collect::<Vec<_>>())
}

/// A notification as one line of JSON.
pub(super) fn notification(notification: &Notification) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        method: &'a str,
        params: &'a RawValue,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
    }
    let Notification { method, params, seq } = notification;
    let line = serde_json::to_string(&Line { method, params, seq: *seq });
    Layout::Line.apply(&line.expect("a name, JSON and a number serialize"))
}

/// How far the call is.
pub(super) fn progress(progress: &Progress) {
    let mut text = format!("progress {}", progress.progress);
    if let Some(total) = progress.total {
        let _ = write!(text, "/{total}");
    }
    if let Some(message) = &progress.message {
        let _ = write!(text, " {message}");
    }
    line(&text);
}

/// Why there is no connection, and what to do about it.
pub(super) fn no_connection(error: &Error) {
    line(&error.to_string());
    match error {
        Error::Refused { status: 401, challenge, .. } => {
            if let Some(challenge) = challenge {
                line(&format!("the gateway asks for: {challenge}"));
            }
            line(
                "give a token by --token, --token-file or MCPW_TOKEN: `mcpw token` makes one for a key of the",
            );
            line("gateway, and `mcpw dev` prints a line to paste");
        }
        Error::Connect { .. } => {
            line("is the gateway running? `mcpw dev` starts one, --url says where it is")
        }
        _ => {}
    }
}

/// Why there is no result.
pub(super) fn failure(error: &Error) {
    match error {
        Error::Rpc { code, message, details } => {
            let name = ErrorCode::from_u16(*code).map_or("unknown", ErrorCode::name).replace('_', " ");
            line(&format!("error {code} {name}: {message}"));
            if let Some(details) = details {
                line(&format!("details: {}", Layout::Line.apply(details.get())));
            }
        }
        other => line(&other.to_string()),
    }
}

/// One line on stderr. That nobody reads it is no reason to stop.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", printable(text));
}

/// The text with its control characters escaped.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, line: &str, indented: &str) {
        assert_eq!(Layout::Line.apply(json), line, "{json}");
        assert_eq!(Layout::Indented.apply(json), indented, "{json}");
    }

    #[test]
    fn json_is_laid_out_without_changing_what_it_says() {
        check("1e400", "1e400", "1e400");
        check(" [ ] ", "[]", "[]");
        check("{\n}", "{}", "{}");
        check(
            r#"{ "b": [1.0, {"a" : "x, y: {z}\" \\"}],"a":12345678901234567890 }"#,
            r#"{"b":[1.0,{"a":"x, y: {z}\" \\"}],"a":12345678901234567890}"#,
            "{\n  \"b\": [\n    1.0,\n    {\n      \"a\": \"x, y: {z}\\\" \\\\\"\n    }\n  ],\n  \
             \"a\": 12345678901234567890\n}",
        );
        check("[[],[[]],{}]", "[[],[[]],{}]", "[\n  [],\n  [\n    []\n  ],\n  {}\n]");
    }

    #[test]
    fn what_could_command_a_terminal_is_escaped() {
        check("\"\u{7f}\u{9b}31m\"", "\"\\u007f\\u009b31m\"", "\"\\u007f\\u009b31m\"");
        assert_eq!(printable("a\u{1b}[2J\nb"), "a\\u{1b}[2J\\nb");
    }

    #[test]
    fn laid_out_json_is_still_the_same_json() {
        let json = r#"{"a":[1,-2.5e3,true,null,"\u00e9\n\"é\\"],"b":{"c":{},"d":[[[]]]},"":""}"#;
        let parsed: serde_json::Value = serde_json::from_str(json).unwrap();
        for layout in [Layout::Line, Layout::Indented] {
            assert_eq!(serde_json::from_str::<serde_json::Value>(&layout.apply(json)).unwrap(), parsed);
        }
    }

    #[test]
    fn a_notification_is_one_line() {
        let params = RawValue::from_string("{ \"name\": \"x\",\n \"data\": 1 }".to_owned()).unwrap();
        let mut event = Notification { method: "event".to_owned(), params, seq: Some(7) };
        assert_eq!(notification(&event), r#"{"method":"event","params":{"name":"x","data":1},"seq":7}"#);
        event.seq = None;
        assert_eq!(notification(&event), r#"{"method":"event","params":{"name":"x","data":1}}"#);
    }
}
