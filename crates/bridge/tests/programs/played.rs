//! Calls whose every line the caller has written: in its arguments stands what the server says, and when it waits for an answer.

use crate::say;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Between lines: what follows waits for the client's next answer.
const WAIT: &str = "?";

/// A call that is played. In its lines `$ID` is the call's id, `$TOKEN` its progress token, `$LISTEN` the id of whoever listens to
/// resources, and `$ANSWER` the latest answer of the client's as a text, all as they were written.
pub(crate) struct Play {
    lines: VecDeque<String>,
}

impl Play {
    /// That of these params: `lines`, or where the client has answered `again`.
    pub(crate) fn of(id: &str, params: &Value, listening: &str) -> Self {
        let member = if params.get("inputResponses").is_some() { "again" } else { "lines" };
        let token = params["_meta"]["progressToken"].to_string();
        let lines = params["arguments"][member].as_array().cloned().unwrap_or_default();
        let written = |line: &Value| {
            let line = line.as_str().unwrap_or_default().replace("$ID", id);
            line.replace("$TOKEN", &token).replace("$LISTEN", listening)
        };
        Self { lines: lines.iter().map(written).collect() }
    }

    /// Says what comes before the next wait; what is left then.
    pub(crate) fn begin(mut self) -> Option<Self> {
        while let Some(line) = self.lines.pop_front() {
            if line == WAIT {
                return Some(self);
            }
            say(&line);
        }
        None
    }

    /// The client has answered with this result or error, raw.
    pub(crate) fn go_on(mut self, answer: &str) -> Option<Self> {
        let answer = json!(answer).to_string();
        self.lines.iter_mut().for_each(|line| *line = line.replace("$ANSWER", &answer));
        self.begin()
    }
}

/// A call that asks its client who it is.
pub(crate) fn ask(id: &str, is_legacy: bool, params: &Value) -> Play {
    let answered = r#"{"jsonrpc":"2.0","id":$ID,"result":{"content":[{"type":"text","text":$ANSWER}]}}"#;
    let lines = match &params["inputResponses"]["name"] {
        _ if is_legacy => vec![
            r#"{"jsonrpc":"2.0","id":"q-1","method":"elicitation/create","params":{ "message":"Who?","requestedSchema":{"type":"object","properties":{}}}}"#.to_owned(),
            WAIT.to_owned(),
            answered.to_owned(),
        ],
        Value::Null => vec![
            r#"{"jsonrpc":"2.0","id":$ID,"result":{"resultType":"input_required","inputRequests":{"name":{"method":"elicitation/create","params":{"message":"Who?"}}},"requestState":"own state"}}"#.to_owned(),
        ],
        name => {
            let text = json!(name.to_string()).to_string();
            vec![answered.replace("$ANSWER", &text).replace("]}}", r#"],"resultType":"complete"}}"#)]
        }
    };
    Play { lines: lines.into_iter().map(|line| line.replace("$ID", id)).collect() }
}
