//! The requests that are under way at one server, and what of what it sends is for which of them. No I/O.
use crate::conversation::event::{Asked, Ending, Event, Lost, Notice};
use crate::level::Level;
use mcp::{Error, Id, Message, error, method, write};
use protocol::{Limits, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, mpsc, oneshot};

/// What a request may have unread; notifications beyond it are dropped, as the protocol allows.
const UNREAD: usize = 1_024;
/// Likewise notices.
const NOTICES: usize = 1_024;

pub(crate) struct Desk {
    state: Mutex<State>,
    notices: broadcast::Sender<Notice>,
}

struct State {
    /// By id.
    open: HashMap<u64, Open>,
    next: u64,
    /// Once set, nothing is entered any more.
    lost: Option<String>,
}

struct Open {
    events: mpsc::Sender<Event>,
    end: oneshot::Sender<Ending>,
    /// Whether it is somebody's call, which the server may ask something for and log for.
    is_call: bool,
    /// Of the logs that it wants, if it wants any.
    level: Option<Level>,
    /// Of what the server has asked for, what waits for an answer.
    asked: HashSet<String>,
}

/// The receiving end of a request.
pub(crate) struct Receivers {
    pub(crate) id: u64,
    pub(crate) events: mpsc::Receiver<Event>,
    pub(crate) end: oneshot::Receiver<Ending>,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let state = State { open: HashMap::new(), next: 1, lost: None };
        Self { state: Mutex::new(state), notices: broadcast::channel(NOTICES).0 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the server tells of itself from now on.
    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    /// Makes room for a request.
    ///
    /// # Errors
    /// The server is lost.
    pub(crate) fn enter(&self, is_call: bool) -> Result<Receivers, Lost> {
        let mut state = self.state();
        if let Some(reason) = &state.lost {
            return Err(Lost(reason.clone()));
        }
        let id = state.next;
        state.next += 1;
        let (events, events_out) = mpsc::channel(UNREAD);
        let (end, end_out) = oneshot::channel();
        state.open.insert(id, Open { events, end, is_call, level: None, asked: HashSet::new() });
        Ok(Receivers { id, events: events_out, end: end_out })
    }

    /// A request wants logs of this level and above. Returns the least severe that any wants now.
    pub(crate) fn wants(&self, id: u64, level: Level) -> Level {
        let mut state = self.state();
        if let Some(open) = state.open.get_mut(&id) {
            open.level = Some(level);
        }
        state.open.values().filter_map(|open| open.level).min().unwrap_or(level)
    }

    /// Forgets a request; whether it was still open.
    pub(crate) fn leave(&self, id: u64) -> bool {
        self.state().open.remove(&id).is_some()
    }

    /// Ends one request without an answer.
    pub(crate) fn fail(&self, id: u64, reason: &str) {
        if let Some(open) = self.state().open.remove(&id) {
            let _ = open.end.send(Ending::Lost(Lost(reason.to_owned())));
        }
    }

    /// Ends all requests, and takes no more.
    pub(crate) fn lose(&self, reason: &str) {
        let open = {
            let mut state = self.state();
            state.lost.get_or_insert_with(|| reason.to_owned());
            std::mem::take(&mut state.open)
        };
        for open in open.into_values() {
            let _ = open.end.send(Ending::Lost(Lost(reason.to_owned())));
        }
    }

    /// Whether an answer to this request of the server's is still wanted; it is not any more afterwards.
    pub(crate) fn answers(&self, asked: &str) -> bool {
        self.state().open.values_mut().any(|open| open.asked.remove(asked))
    }

    /// Takes what the server sent: on the stream of one request, or on none. Returns what is to be answered at once.
    pub(crate) fn take(&self, text: &str, stream: Option<u64>) -> Option<String> {
        match Message::decode(text, Limits::MAX_DEPTH) {
            Ok(Message::Response { id, result }) => self.end(id, Ending::Result(result.to_owned())),
            Ok(Message::Failure { id: Some(id), error }) => self.end(id, Ending::Error(error.to_owned())),
            Ok(Message::Failure { id: None, error }) => {
                tracing::warn!(error, "the server could not read a message")
            }
            Ok(Message::Notification { method, params }) => self.notified(&method, params, stream),
            Ok(Message::Request { id, method, params }) => return self.asked(id, &method, params, stream),
            Err(rejection) => tracing::warn!(reason = %rejection.message, "the server sent no message"),
        }
        None
    }

    fn end(&self, id: Id<'_>, ending: Ending) {
        let Some(id) = number(id) else { return };
        // Whoever was cancelled is not waited for any more.
        if let Some(open) = self.state().open.remove(&id) {
            let _ = open.end.send(ending);
        }
    }

    fn notified(&self, name: &str, params: &str, stream: Option<u64>) {
        let note = || Event::Note { method: name.to_owned(), params: params.to_owned() };
        let to = |id: Option<u64>| {
            if let Some(open) = id.and_then(|id| self.state().open.get(&id).map(|open| open.events.clone())) {
                let _ = open.try_send(note());
            }
        };
        let subscription = json::member(params, mcp::meta::NAME)
            .and_then(|meta| json::member(meta, mcp::meta::SUBSCRIPTION_ID))
            .and_then(|raw| raw.parse().ok());
        match name {
            method::PROGRESS => to(json::member(params, "progressToken").and_then(|raw| raw.parse().ok())),
            _ if subscription.is_some() => to(subscription),
            method::LOG => to(stream.or_else(|| self.only_call())),
            method::TOOLS_CHANGED | method::PROMPTS_CHANGED | method::RESOURCES_CHANGED => self.changed(),
            method::RESOURCE_UPDATED => {
                let _ = self.notices.send(Notice::Updated(params.to_owned()));
            }
            method::CANCELLED => {
                if let Some(id) = json::member(params, "requestId") {
                    self.answers(id);
                }
            }
            _ => to(stream),
        }
    }

    /// Lists of the server are other ones now.
    pub(crate) fn changed(&self) {
        // Nobody may listen.
        let _ = self.notices.send(Notice::Changed);
    }

    /// Whether somebody's call runs.
    pub(crate) fn has_calls(&self) -> bool {
        self.state().open.values().any(|open| open.is_call)
    }

    /// The call that runs, if there is one alone: of several it is not known whose a message is, and they may be of others.
    fn only_call(&self) -> Option<u64> {
        let state = self.state();
        let mut calls = state.open.iter().filter(|(_, open)| open.is_call);
        calls.next().filter(|_| calls.next().is_none()).map(|(id, _)| *id)
    }

    fn asked(&self, id: Id<'_>, name: &str, params: &str, stream: Option<u64>) -> Option<String> {
        let refuse = |error: Error| Some(refusal(id, &error));
        match name {
            method::PING => return Some(answer(id, "{}")),
            method::SAMPLE | method::ELICIT | method::ROOTS_LIST => {}
            _ => return refuse(Error::no_method(name)),
        }
        let Id::Token(raw) = id else { return None };
        let mut state = self.state();
        let calls: Vec<u64> = state.open.iter().filter(|(_, open)| open.is_call).map(|(id, _)| *id).collect();
        let call = match (stream.filter(|id| calls.contains(id)), &calls[..]) {
            (Some(call), _) => call,
            (None, [call]) => *call,
            (None, []) => {
                return refuse(Error::new(error::INVALID_REQUEST, "no call runs, so nobody can be asked"));
            }
            (None, _) => {
                let message =
                    "several calls run, so it is not known whom to ask; give each session a child of its own";
                return refuse(Error::new(error::INVALID_REQUEST, message));
            }
        };
        let asked = Asked { id: raw.to_owned(), method: name.to_owned(), params: params.to_owned() };
        let open = state.open.get_mut(&call);
        match open.filter(|open| open.events.try_send(Event::Asked(asked)).is_ok()) {
            Some(open) => {
                open.asked.insert(raw.to_owned());
                None
            }
            None => refuse(Error::new(error::INTERNAL_ERROR, "too much is unread; ask again later")),
        }
    }
}

/// The id that one of ours came back with.
fn number(id: Id<'_>) -> Option<u64> {
    match id {
        Id::Token(raw) => raw.parse().ok(),
        Id::Sequence(number) => Some(number),
    }
}

/// The answer to a request of the server's.
pub(crate) fn answer(id: Id<'_>, result: &str) -> String {
    let mut out = Vec::new();
    write::response(id, result.as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// The same where there is none.
pub(crate) fn refusal(id: Id<'_>, error: &Error) -> String {
    let mut out = Vec::new();
    write::failure(Some(id), error, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_message_is_of_nobody_where_several_calls_run() {
        let desk = Desk::new();
        let mut calls = [(); 2].map(|()| desk.enter(true).expect("it is not lost"));
        let log = r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error"}}"#;
        desk.take(log, None);
        assert!(calls.iter_mut().all(|call| call.events.try_recv().is_err()));
        desk.take(log, Some(calls[0].id));
        assert!(calls[0].events.try_recv().is_ok(), "its stream tells whose it is");
        desk.leave(calls[0].id);
        desk.take(log, None);
        assert!(calls[1].events.try_recv().is_ok());
    }

    #[test]
    fn a_question_goes_with_the_call_that_it_was_for() {
        let desk = Desk::new();
        for is_left in [true, false] {
            let call = desk.enter(true).expect("it is not lost");
            let question = r#"{"jsonrpc":"2.0","id":"q","method":"roots/list"}"#;
            assert_eq!(desk.take(question, None), None);
            if is_left {
                desk.leave(call.id);
            } else {
                desk.fail(call.id, "it broke off");
            }
            assert!(!desk.answers("\"q\""));
        }
    }
}
