//! Hands each message of a server to whom it is for. Does no I/O.

use mcp::error::INVALID_REQUEST;
use mcp::translate::result;
use mcp::{Id, Message, Rejection, method};
use protocol::{CloseCode, Limits, json};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Refusal, Speech};
use crate::assembly::{Whole, violation};
use crate::calls::Round;
use crate::dispatch::{number, raw};
use crate::reader::End;
use crate::shared::Shared;
use crate::update::Update;
use crate::{Error, Notification, Progress};

/// What the gateway's own notifications are called.
const MIGRATE: &str = "notifications/mcpw/session.migrate";
const CHANGED: &str = "notifications/mcpw/session.changed";

/// The params of `notifications/progress`, of a request of this client's.
#[derive(Deserialize)]
struct ProgressParams {
    #[serde(rename = "progressToken")]
    token: u64,
    #[serde(flatten)]
    progress: Progress,
}

impl Shared {
    /// Takes a frame with one message.
    pub(crate) fn hear(&self, speech: &Speech, frame: Whole) -> Result<(), End> {
        let Whole::Text(text) = frame else {
            return Err(
                violation(CloseCode::Unsupported, "a binary frame where all messages are text").into()
            );
        };
        match Message::decode(&text, Limits::MAX_DEPTH) {
            Ok(Message::Request { id, method, params }) => self.asked(id, &method, params),
            Ok(Message::Notification { method, params }) => self.told(&method, params),
            Ok(Message::Response { id, result }) => self.result(speech, id, result),
            Ok(Message::Failure { id, error }) => self.fail_with(id.and_then(number), failure(error)),
            // One of the server's own requests, or a notification that nobody waits for.
            Err(Rejection { id, code: INVALID_REQUEST, message })
                if json::member(&text, "method").is_some() =>
            {
                match id {
                    Some(id) => self.answer_server(id, Err(&Refusal::new(INVALID_REQUEST, message))),
                    None => self.publish(&Err(Error::Protocol(message.into_owned()))),
                }
            }
            Err(Rejection { id, message, .. }) => {
                self.reject(id, message.into_owned()).map_err(End::not_understood)?;
            }
        }
        Ok(())
    }

    fn result(&self, speech: &Speech, id: Id<'_>, result: &str) {
        let asks = speech.is_modern() && speech.handler.is_some() && result::asks_for_input(result);
        if asks
            && let Some(id) = number(id)
            && let Ok(result) = raw(result)
        {
            match self.calls.begin_round(id) {
                Round::Fresh(request) => return self.asked_by_result(id, request, result),
                Round::Known => return,
                Round::None => {}
            }
        }
        self.answered(Some(id), raw(result));
    }

    fn told(&self, method: &str, params: &str) {
        match method {
            method::PROGRESS => {
                if let Ok(ProgressParams { token, progress }) = serde_json::from_str(params) {
                    return self.update(token, Update::Progress(progress));
                }
            }
            CHANGED => self.changed(params),
            MIGRATE => self.migrate(),
            _ => {}
        }
        if let Ok(params) = raw(if params.is_empty() { "null" } else { params }) {
            self.publish(&Ok(Notification { method: method.to_owned(), params, seq: None }));
        }
    }
}

/// One of the gateway's own codes is told as it is everywhere.
fn failure(error: &str) -> Error {
    let Some(mcp::Error { code, message, data }) = mcp::Error::read(error) else {
        return Error::Protocol("an error that is not understood".to_owned());
    };
    let data = data.and_then(|data| RawValue::from_string(data).ok());
    match u16::try_from(code) {
        Ok(code @ 4000..=4999) => Error::Rpc { code, message, details: data },
        _ => Error::JsonRpc { code, message, data },
    }
}
