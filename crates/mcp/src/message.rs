//! One JSON-RPC message, by reference to the text that it came in. Knows no method.

use crate::id::{Id, read_id};
use crate::{error, text};
use protocol::json;
use std::borrow::Cow;

/// A message. Its parts are raw JSON, checked and untouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Asks for an answer.
    Request {
        /// Which answer is its own.
        id: Id<'a>,
        /// Not empty.
        method: Cow<'a, str>,
        /// An object, or "" if there are none.
        params: &'a str,
    },
    /// Asks for nothing.
    Notification {
        /// Not empty.
        method: Cow<'a, str>,
        /// An object, or "" if there are none.
        params: &'a str,
    },
    /// What a request came to.
    Response {
        /// The request's.
        id: Id<'a>,
        /// An object.
        result: &'a str,
    },
    /// Why a request came to nothing.
    Failure {
        /// The request's; none if the peer could not read it.
        id: Option<Id<'a>>,
        /// An object.
        error: &'a str,
    },
}

/// A text that is no message, and what is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection<'a> {
    /// The id, if it could be read.
    pub id: Option<Id<'a>>,
    /// -32700 or -32600.
    pub code: i64,
    /// What was wrong and what would be right.
    pub message: Cow<'static, str>,
}

/// The raw values of an envelope's members; "" where absent.
#[derive(Default)]
struct Fields<'a> {
    jsonrpc: &'a str,
    id: &'a str,
    method: &'a str,
    params: &'a str,
    result: &'a str,
    error: &'a str,
}

impl<'a> Message<'a> {
    /// Reads a text that holds one message. `depth` bounds how deep it is nested, as [`json::validate`] says.
    ///
    /// # Errors
    /// It is no JSON, or no message; an array is none.
    pub fn decode(text: &'a str, depth: usize) -> Result<Self, Rejection<'a>> {
        check(text, depth)?;
        Self::of(text)
    }

    /// Reads a text that may also hold a batch of up to `most`, and hands over each message. `basic` of 2025-03-26, "Batching".
    pub fn decode_batch(
        text: &'a str,
        depth: usize,
        most: usize,
        mut on: impl FnMut(Result<Self, Rejection<'a>>),
    ) {
        if let Err(rejection) = check(text, depth + 1) {
            return on(Err(rejection));
        }
        if !text.trim_start().starts_with('[') {
            return on(Self::of(text));
        }
        let count = text::elements(text).count();
        if count == 0 || count > most {
            let message = format!("a batch of {count} messages; it must have 1 to {most}");
            return on(Err(Rejection { id: None, code: error::INVALID_REQUEST, message: message.into() }));
        }
        text::elements(text).for_each(|element| on(Self::of(element)));
    }

    /// Reads a message out of JSON that was checked before.
    fn of(text: &'a str) -> Result<Self, Rejection<'a>> {
        if !text.trim_start().starts_with('{') {
            return Err(invalid(None, "a message must be one JSON object"));
        }
        let mut fields = Fields::default();
        for (name, value) in json::members(text) {
            match &*name {
                "jsonrpc" => fields.jsonrpc = value,
                "id" => fields.id = value,
                "method" => fields.method = value,
                "params" => fields.params = value,
                "result" => fields.result = value,
                "error" => fields.error = value,
                _ => {}
            }
        }
        fields.read()
    }

    /// The id, if it has one.
    pub const fn id(&self) -> Option<Id<'a>> {
        match self {
            Self::Request { id, .. } | Self::Response { id, .. } => Some(*id),
            Self::Failure { id, .. } => *id,
            Self::Notification { .. } => None,
        }
    }

    /// The method, if it has one.
    pub fn method(&self) -> Option<&str> {
        match self {
            Self::Request { method, .. } | Self::Notification { method, .. } => Some(method),
            Self::Response { .. } | Self::Failure { .. } => None,
        }
    }
}

impl<'a> Fields<'a> {
    fn read(&self) -> Result<Message<'a>, Rejection<'a>> {
        let id = read_id(self.id);
        if self.jsonrpc != "\"2.0\"" {
            return Err(invalid(id, "jsonrpc must be \"2.0\""));
        }
        let method = match self.method {
            "" => None,
            raw => match text::string(raw) {
                Some(method) if !method.is_empty() => Some(method),
                _ => return Err(invalid(id, "method must be a string that is not empty")),
            },
        };
        let is_object = |raw: &str| raw.is_empty() || raw.starts_with('{');
        match (method, self.id, id) {
            (Some(_), ..) if !is_object(self.params) => Err(invalid(id, "params must be an object")),
            (Some(method), "", _) => Ok(Message::Notification { method, params: self.params }),
            (Some(_), _, None) | (None, _, None) if self.error.is_empty() => {
                Err(invalid(None, "id must be a string of up to 128 bytes or an integer"))
            }
            (Some(method), _, Some(id)) => Ok(Message::Request { id, method, params: self.params }),
            (None, _, id) => self.answer(id),
            (Some(_), _, None) => Err(invalid(None, "id must be a string of up to 128 bytes or an integer")),
        }
    }

    fn answer(&self, id: Option<Id<'a>>) -> Result<Message<'a>, Rejection<'a>> {
        match (id, self.result, self.error) {
            (Some(id), result, "") if result.starts_with('{') => Ok(Message::Response { id, result }),
            (id, "", error) if error.starts_with('{') => Ok(Message::Failure { id, error }),
            _ => Err(invalid(id, "a message has a method, or an object as its result or its error")),
        }
    }
}

fn check(text: &str, depth: usize) -> Result<(), Rejection<'static>> {
    json::validate(text, depth).map_err(|malformed| Rejection {
        id: None,
        code: error::PARSE_ERROR,
        message: malformed.to_string().into(),
    })
}

fn invalid<'a>(id: Option<Id<'a>>, message: &'static str) -> Rejection<'a> {
    Rejection { id, code: error::INVALID_REQUEST, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_was_written() {
        let text = r#" {"x":1, "jsonrpc":"2.0","id":"\u0061","method":"tools\/call","params":{ "a" : 1.0,"é":[ ] }} "#;
        let Ok(Message::Request { id, method, params }) = Message::decode(text, 64) else { panic!("{text}") };
        assert_eq!(id, Id::Token(r#""\u0061""#));
        assert_eq!(method, "tools/call");
        assert_eq!(params, r#"{ "a" : 1.0,"é":[ ] }"#);
    }

    #[test]
    fn each_kind_is_told_by_its_members() {
        let cases = [
            (r#"{"jsonrpc":"2.0","method":"a"}"#, Message::Notification { method: "a".into(), params: "" }),
            (
                r#"{"jsonrpc":"2.0","id":7,"result":{"b":2}}"#,
                Message::Response { id: Id::Token("7"), result: r#"{"b":2}"# },
            ),
            (
                r#"{"jsonrpc":"2.0","id":null,"error":{"code":1}}"#,
                Message::Failure { id: None, error: r#"{"code":1}"# },
            ),
            (
                r#"{"jsonrpc":"2.0","error":{"code":1}}"#,
                Message::Failure { id: None, error: r#"{"code":1}"# },
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(Message::decode(text, 64), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_message_is_told_with_its_id_where_it_has_one() {
        let id = Some(Id::Token("1"));
        for (text, id, code) in [
            ("", None, error::PARSE_ERROR),
            (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#, None, error::PARSE_ERROR),
            ("[]", None, error::INVALID_REQUEST),
            ("7", None, error::INVALID_REQUEST),
            (r#"{"id":1,"method":"a"}"#, id, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"1.0","id":1,"method":"a"}"#, id, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, id, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":7}"#, id, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}"#, id, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":null,"method":"a"}"#, None, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1}"#, id, error::INVALID_REQUEST),
            (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, id, error::INVALID_REQUEST),
        ] {
            let rejection = Message::decode(text, 64).expect_err(text);
            assert_eq!((rejection.id, rejection.code), (id, code), "{text}");
        }
    }

    #[test]
    fn a_batch_is_its_messages_in_order() {
        let text = r#"[{"jsonrpc":"2.0","method":"a"}, 7 ,{"jsonrpc":"2.0","id":1,"method":"b"}]"#;
        let mut seen = Vec::new();
        Message::decode_batch(text, 64, 3, |message| {
            seen.push(message.map(|message| message.method().map(str::to_owned)).map_err(|r| r.code));
        });
        let expected = [Ok(Some("a".to_owned())), Err(error::INVALID_REQUEST), Ok(Some("b".to_owned()))];
        assert_eq!(seen, expected);
        for text in ["[]", text] {
            let mut seen = Vec::new();
            Message::decode_batch(text, 64, 2, |message| seen.push(message.is_err()));
            assert_eq!(seen, [true], "{text}");
        }
    }
}
