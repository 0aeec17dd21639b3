//! What an operator who watches a session is told of each message: what it is and how large, and never what is in it.

use super::Session;
use jiff::Timestamp;
use protocol::{Id, Kind, Message, Method, MethodName, Outgoing, Rejection, json};
use serde::Serialize;
use std::cell::Cell;
use std::rc::Rc;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

/// Longer names and ids are cut.
const LONGEST: usize = 128;
/// More names of members are left out.
const MOST_KEYS: usize = 32;

/// Where an operator watches.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) lines: mpsc::Sender<Line>,
    /// Whether the names of the members of params and results are told; their values never are.
    pub(crate) keys: bool,
}

/// One message.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    #[serde(serialize_with = "written")]
    time: Timestamp,
    /// `in` from the client, `out` to it.
    direction: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Bytes of the params, the result or the error.
    size: usize,
    /// The code of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<String>>,
    /// Messages before this one that the operator was too slow for.
    #[serde(skip_serializing_if = "is_zero")]
    pub(crate) dropped: u64,
}

fn written<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{time:.3}"))
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A session that is watched.
#[derive(Debug)]
pub(crate) struct Tail {
    watch: Watch,
    dropped: Cell<u64>,
}

impl Tail {
    pub(super) const fn new(watch: Watch) -> Self {
        Self { watch, dropped: Cell::new(0) }
    }

    /// Whether the operator has gone.
    pub(super) fn is_over(&self) -> bool {
        self.watch.lines.is_closed()
    }

    /// A message of the client's, which may be none.
    pub(super) fn received(&self, message: &Result<Message<'_>, Rejection<'_>>) {
        let line = match message {
            Ok(message) => Line {
                kind: message.kind.name(),
                method: message.method.as_ref().map(MethodName::name).map(cut),
                id: message.id.map(shown),
                ..self.line("in", message.body.as_bytes())
            },
            Err(rejection) => Line {
                kind: "malformed",
                method: named(rejection.method_code),
                id: rejection.id.map(shown),
                code: Some(rejection.code.as_u16()),
                ..self.line("in", b"")
            },
        };
        self.tell(line);
    }

    /// A message to the client.
    pub(super) fn sent(&self, message: &Outgoing<'_>) {
        let method = if message.method_name.is_empty() {
            named(message.method_code)
        } else {
            Some(cut(&message.method_name))
        };
        let code = if message.kind == Kind::Error { code_of(&message.body) } else { None };
        // What was deflated can't be read here, and an error says no more by its members than by its code.
        let readable = if message.compressed || code.is_some() { &[][..] } else { &message.body };
        let line = self.line("out", readable);
        let id = message.id.map(shown);
        self.tell(Line { kind: message.kind.name(), method, id, size: message.body.len(), code, ..line });
    }

    /// An event of the tenant's log, which was encoded before.
    pub(super) fn event(&self, size: usize) {
        let line = self.line("out", b"");
        let method = Some(Method::Event.name().to_owned());
        self.tell(Line { kind: Kind::Notification.name(), method, size, ..line });
    }

    fn line(&self, direction: &'static str, body: &[u8]) -> Line {
        Line {
            time: Timestamp::now(),
            direction,
            kind: "",
            method: None,
            id: None,
            size: body.len(),
            code: None,
            keys: if self.watch.keys { keys_of(body) } else { None },
            dropped: 0,
        }
    }

    fn tell(&self, line: Line) {
        let dropped = self.dropped.take();
        if let Err(TrySendError::Full(_)) = self.watch.lines.try_send(Line { dropped, ..line }) {
            self.dropped.set(dropped + 1);
        }
    }
}

impl Session {
    /// An operator watches from now on; false if another does already.
    pub(crate) fn watch(&mut self, watch: Watch) -> bool {
        let tail = &mut self.followed.get_or_insert_default().tail;
        if tail.as_ref().is_some_and(|tail| !tail.is_over()) {
            return false;
        }
        *tail = Some(Rc::new(Tail::new(watch)));
        true
    }
}

/// The names of the members, if it is an object.
fn keys_of(body: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(body).ok()?;
    text.trim_start().starts_with('{').then(|| {
        let keys = json::members(text).map(|(key, _)| cut(&key));
        keys.take(MOST_KEYS).collect()
    })
}

/// The code that an error begins with.
fn code_of(body: &[u8]) -> Option<u16> {
    let digits = body.strip_prefix(b"{\"code\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn named(code: u16) -> Option<String> {
    Method::from_code(code).map(|method| method.name().to_owned())
}

fn shown(id: Id<'_>) -> String {
    cut(&id.canonical())
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
