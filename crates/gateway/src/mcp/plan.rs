//! A call of a backend, and how what it says becomes what the client hears.

use super::{SERVER_INFO, contexts};
use bytes::Bytes;
use mcp::translate::result::{self, Cache};
use mcp::translate::{self, input};
use mcp::{Era, Error, Version, method, text};
use protocol::{ErrorCode, json, pb};
use router::{Event, Failure, Handler};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// A call that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) handler: Arc<Handler>,
    /// As the backend is sent it.
    pub(crate) method: Cow<'static, str>,
    /// Raw; "" for none.
    pub(crate) params: String,
    pub(crate) timeout: Option<Duration>,
    pub(crate) shape: Shape,
}

/// How the events of a call become messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) version: Version,
    /// What the client tells progress apart by, raw; none if it wants none.
    pub(crate) progress_token: Option<Box<str>>,
    /// The client wants log messages of the level `info`.
    pub(crate) logs: bool,
    pub(crate) ends: Ends,
}

/// What the backend's result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    /// Any JSON, of a tool that knows nothing of the protocol.
    Tool,
    /// A context, of `context.get`.
    Context,
    /// The result of this method as the newest version has it.
    Server(&'static str),
}

/// A notification: its method and its raw params, "" for none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) method: Cow<'static, str>,
    pub(crate) params: String,
}

impl Note {
    /// One without params.
    pub(crate) const fn bare(method: &'static str) -> Self {
        Self { method: Cow::Borrowed(method), params: String::new() }
    }

    /// A notification as a backend sends it: without `jsonrpc`.
    pub(crate) fn read(raw: &str) -> Option<Self> {
        let method = text::member(raw, "method").filter(|method| method.starts_with("notifications/"))?;
        let params = json::member(raw, "params").filter(|params| params.starts_with('{'));
        let method = Cow::Owned(method.into_owned());
        Some(Self { method, params: params.unwrap_or_default().to_owned() })
    }
}

impl Ends {
    /// The end of a call as the journal keeps it: its result is as the newest version has it.
    pub(crate) fn kept(self, end: Event) -> Event {
        match (self, end) {
            (Self::Tool, Event::Result(result)) => {
                made(mcp::tool::result(&String::from_utf8_lossy(&result), Era::Modern))
            }
            (Self::Tool, Event::Failed(failure)) if is_for_the_model(failure.code) => {
                let details = failure.details.as_deref().map(String::from_utf8_lossy);
                made(mcp::tool::failed(&failure.message, details.as_deref()))
            }
            (Self::Context, Event::Result(result)) => {
                made(contexts::contents(&String::from_utf8_lossy(&result)))
            }
            (_, end) => end,
        }
    }

    /// The method whose result it is.
    pub(crate) const fn method(self) -> &'static str {
        match self {
            Self::Tool => method::TOOLS_CALL,
            Self::Context => method::RESOURCES_READ,
            Self::Server(method) => method,
        }
    }
}

fn made(result: String) -> Event {
    Event::Result(Bytes::from(result))
}

/// Whether a failure of a tool is one that the model may act on, and not one of the protocol or of the platform.
/// `server/tools`, "Error Handling".
const fn is_for_the_model(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidParams
            | ErrorCode::NotFound
            | ErrorCode::Conflict
            | ErrorCode::TooLarge
            | ErrorCode::Internal
    )
}

/// The most rounds of one request.
pub(crate) const ROUNDS: u32 = 100;

/// Whether a client has to be asked for something before the call goes on.
pub(crate) fn asks(end: &Event) -> bool {
    matches!(end, Event::Result(result) if result::asks_for_input(&String::from_utf8_lossy(result)))
}

impl Shape {
    /// That of an answer of which nothing is known but who gets it.
    pub(crate) const fn bare(version: Version) -> Self {
        let ends = Ends::Server(method::TOOLS_CALL);
        Self { version, progress_token: None, logs: false, ends }
    }

    /// A result as the client's version has it. `kept` is as [`Ends::kept`] made it.
    pub(crate) fn result(&self, kept: &[u8]) -> String {
        shown(&String::from_utf8_lossy(kept), self.ends.method(), self.version)
    }

    /// Why there is no result.
    pub(crate) fn error(&self, failure: &Failure) -> Error {
        let details = failure.details.as_deref().map(String::from_utf8_lossy);
        let error = Error::of(failure.code, &failure.message, details.as_deref());
        match self.version.era() {
            Era::Legacy => translate::error::to_legacy(error, self.ends.method()),
            Era::Modern => error,
        }
    }

    /// How far the call is, if the client wants to know. `basic/patterns/progress`.
    pub(crate) fn progress(&self, progress: &pb::Progress) -> Option<Note> {
        let token = self.progress_token.as_deref()?;
        let members = crate::session::progress::member_of(progress);
        let params = format!("{{\"progressToken\":{token},{}}}", String::from_utf8_lossy(&members));
        Some(Note { method: Cow::Borrowed(method::PROGRESS), params })
    }

    /// A part: a notification of a server's, or of a tool's result what the client sees as a log message.
    pub(crate) fn partial(&self, partial: &[u8]) -> Option<Note> {
        let partial = std::str::from_utf8(partial).ok()?;
        if let Ends::Server(_) = self.ends {
            return Note::read(partial);
        }
        let params = || format!("{{\"level\":\"info\",\"data\":{partial}}}");
        self.logs.then(|| Note { method: Cow::Borrowed(method::LOG), params: params() })
    }
}

/// Why a legacy client gets no result: a server wants what it can't be asked for, or asks too often.
pub(crate) fn unasked(end: &str) -> Failure {
    let asked = input::asked(end).flatten().map(|asked| asked.method);
    let asked = asked.collect::<Vec<Cow<'_, str>>>().join(", ");
    let why =
        format!("the server needs input ({asked}) that this client can't be asked for; nothing was done");
    Failure::new(ErrorCode::BackendUnavailable, why)
}

/// A result of the newest version as this one has it.
pub(crate) fn shown(result: &str, of: &'static str, version: Version) -> String {
    match (version.era(), of) {
        (Era::Legacy, method::TOOLS_CALL) => result::tool_to_legacy(result).into_owned(),
        (Era::Legacy, _) => result::to_legacy(result).into_owned(),
        (Era::Modern, _) => result::to_modern(result, of, Cache::NONE, Some(SERVER_INFO)).into_owned(),
    }
}
