//! Requests and answers in both subprotocols, written out by hand: a bench that used the product's own codec
//! could not notice when it changes.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::frames;

const MAGIC: u32 = 0x4D43_5057;
/// Bytes of a binary message's header.
pub(crate) const HEADER: usize = 24;
const RESPONSE: u8 = 1;
const NOTIFICATION: u8 = 2;
const ERROR: u8 = 3;

/// A subprotocol of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `mcp.v1`.
    Json,
    /// `mcp.v1.binary`.
    Binary,
}

/// A method that the benches call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Initialize,
    ToolList,
    ToolExecute,
    EventSubscribe,
    EventPublish,
    Echo,
    ContextCreate,
    ContextGet,
    ContextUpdate,
    ContextList,
    ContextSearch,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::ToolList => "tool.list",
            Self::ToolExecute => "tool.execute",
            Self::EventSubscribe => "event.subscribe",
            Self::EventPublish => "event.publish",
            Self::Echo => "echo",
            Self::ContextCreate => "context.create",
            Self::ContextGet => "context.get",
            Self::ContextUpdate => "context.update",
            Self::ContextList => "context.list",
            Self::ContextSearch => "context.search",
        }
    }

    fn code(self) -> u16 {
        match self {
            Self::Initialize => 1,
            Self::ToolList => 2,
            Self::ToolExecute => 3,
            Self::ContextGet => 4,
            Self::ContextUpdate => 5,
            Self::EventSubscribe => 6,
            Self::ContextCreate => 8,
            Self::ContextList => 10,
            Self::ContextSearch => 11,
            Self::EventPublish => 13,
            Self::Echo => 15,
        }
    }
}

/// The number of the notification `event` on the binary wire.
const EVENT: u16 = 19;

/// An event as a subscriber gets it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) seq: u64,
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// The answer to a request: its result as JSON text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) id: u64,
    pub(crate) result: Value,
}

impl Wire {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Binary => "binary",
        }
    }

    pub(crate) fn subprotocol(self) -> &'static str {
        match self {
            Self::Json => "mcp.v1",
            Self::Binary => "mcp.v1.binary",
        }
    }

    pub(crate) fn opcode(self) -> u8 {
        match self {
            Self::Json => frames::TEXT,
            Self::Binary => frames::BINARY,
        }
    }

    /// The payload of a frame that holds this one request. `params` is JSON text.
    pub(crate) fn request(self, id: u64, method: Method, params: &str) -> Vec<u8> {
        match self {
            Self::Json => {
                let name = method.name();
                format!(r#"{{"id":{id},"type":0,"method":"{name}","params":{params}}}"#).into_bytes()
            }
            Self::Binary => {
                let mut message = Vec::with_capacity(HEADER + params.len());
                message.extend_from_slice(&MAGIC.to_be_bytes());
                message.extend_from_slice(&[1, 0, 0, 0]);
                message.extend_from_slice(&id.to_be_bytes());
                message.extend_from_slice(&method.code().to_be_bytes());
                message.extend_from_slice(&[0, 0]);
                message
                    .extend_from_slice(&u32::try_from(params.len()).expect("a small message").to_be_bytes());
                message.extend_from_slice(params.as_bytes());
                message
            }
        }
    }

    /// Reads the payload of a frame as the answer to one request, or `None` for a notification.
    ///
    /// # Errors
    /// If it is an error message, or no message at all.
    pub(crate) fn answer(self, payload: &[u8]) -> Result<Option<Answer>> {
        let (id, kind, mut body) = match self {
            Self::Json => {
                let message: Value = serde_json::from_slice(payload).context("the answer is not JSON")?;
                (message["id"].as_u64(), message["type"].as_u64(), message)
            }
            Self::Binary => {
                ensure!(
                    payload.len() >= HEADER,
                    "the answer has {} bytes, less than a header",
                    payload.len()
                );
                ensure!(payload[..4] == MAGIC.to_be_bytes(), "the answer has another magic number");
                ensure!(payload[6..8] == [0, 0], "the answer has flags {:?}", &payload[6..8]);
                let kind = payload[5];
                let field = if kind == ERROR { "error" } else { "result" };
                let body: Value =
                    serde_json::from_slice(&payload[HEADER..]).context("the payload is not JSON")?;
                (sequence_id(payload), Some(u64::from(kind)), serde_json::json!({ field: body }))
            }
        };
        match kind.and_then(|kind| u8::try_from(kind).ok()) {
            Some(RESPONSE) => {
                let id = id.context("the answer has no id")?;
                ensure!(body.get("result").is_some(), "the answer {id} has no result");
                Ok(Some(Answer { id, result: body["result"].take() }))
            }
            Some(NOTIFICATION) => Ok(None),
            Some(ERROR) => bail!("the gateway answered {}", body["error"]),
            _ => bail!("an answer of type {kind:?}"),
        }
    }

    /// Reads the payload of a frame as one event.
    ///
    /// # Errors
    /// If it is anything else.
    pub(crate) fn event(self, payload: &[u8]) -> Result<Event> {
        let (is_event, seq, mut params) = match self {
            Self::Json => {
                let mut message: Value =
                    serde_json::from_slice(payload).context("the message is not JSON")?;
                let is_event = message["type"] == NOTIFICATION && message["method"] == "event";
                (is_event, message["seq"].as_u64(), message["params"].take())
            }
            Self::Binary => {
                ensure!(
                    payload.len() >= HEADER,
                    "the message has {} bytes, less than a header",
                    payload.len()
                );
                let is_event = payload[5] == NOTIFICATION && payload[16..18] == EVENT.to_be_bytes();
                (
                    is_event,
                    sequence_id(payload),
                    serde_json::from_slice(&payload[HEADER..]).unwrap_or_default(),
                )
            }
        };
        let event = Some(params["data"].take()).zip(params["name"].as_str()).zip(seq).filter(|_| is_event);
        let ((data, name), seq) =
            event.with_context(|| format!("not an event: {}", String::from_utf8_lossy(payload)))?;
        Ok(Event { seq, name: name.to_owned(), data })
    }
}

fn sequence_id(payload: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(payload.get(8..16)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_request_has_the_header_of_the_design() {
        let message = Wire::Binary.request(0x0102, Method::Echo, "{}");
        let header = b"MCPW\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x00\x0f\x00\x00\x00\x00\x00\x02";
        assert_eq!(message, [&header[..], b"{}"].concat());
    }

    #[test]
    fn an_answer_is_read_with_its_id_in_both_subprotocols() {
        let json = br#"{"id":7,"type":1,"result":{"a":1}}"#;
        let mut binary = Wire::Binary.request(7, Method::Echo, r#"{"a":1}"#);
        binary[5] = RESPONSE;
        for (wire, payload) in [(Wire::Json, &json[..]), (Wire::Binary, &binary)] {
            let answer = wire.answer(payload).expect("an answer").expect("a response");
            assert_eq!(answer, Answer { id: 7, result: serde_json::json!({ "a": 1 }) });
        }
    }

    #[test]
    fn an_event_is_read_with_its_place_in_the_log_in_both_subprotocols() {
        let json = br#"{"type":2,"method":"event","params":{"name":"a.b","data":{"n":1}},"seq":7}"#;
        let mut binary = Wire::Binary.request(7, Method::Echo, r#"{"name":"a.b","data":{"n":1}}"#);
        (binary[5], binary[17]) = (NOTIFICATION, 19);
        for (wire, payload) in [(Wire::Json, &json[..]), (Wire::Binary, &binary)] {
            let event = wire.event(payload).expect("an event");
            assert_eq!(event, Event { seq: 7, name: "a.b".to_owned(), data: serde_json::json!({ "n": 1 }) });
            assert!(wire.event(&wire.request(7, Method::Echo, "{}")).is_err());
        }
    }

    #[test]
    fn an_error_is_never_taken_for_an_answer() {
        let json = br#"{"id":7,"type":3,"error":{"code":4004,"message":"no"}}"#;
        let error = Wire::Json.answer(json).expect_err("an error message");
        assert!(error.to_string().contains("4004"), "{error}");
    }
}
