//! A call on its way to a server and back: names, progress, logs, cancel, and what the server asks of its client.
use crate::conversation::event::{Asked, Ending, Event, Lost};
use crate::conversation::running::{Running, Said};
use crate::conversation::{Conversation, read};
use crate::level::Level;
use crate::waiting::{self, KEY, Room};
use backend::{Call, Failure, Raw};
use mcp::{Edit, Era, Error, Meta, error, meta, method, text, translate};
use protocol::json;
use std::sync::Arc;

/// A request of a caller's, in modern words.
pub(crate) struct Request<'a> {
    pub(crate) call: &'a Call,
    pub(crate) method: &'a str,
    /// What the caller sent, raw: names are the platform's.
    pub(crate) params: &'a str,
    /// Whether the caller speaks the protocol.
    pub(crate) is_mcp: bool,
}

impl Request<'_> {
    /// Asks a server; `own` are the params with its own names.
    ///
    /// # Errors
    /// The server's error, that it is lost, or that it wants input of a caller that can't be asked.
    pub(crate) async fn ask(&self, to: &Arc<Conversation>, own: &str, room: &Room) -> Result<Raw, Failure> {
        let is_legacy = to.terms().version.era() == Era::Legacy;
        if let Some(state) = text::member(self.params, "requestState").filter(|_| is_legacy) {
            return self.resume(&state, room).await;
        }
        let started = to.start(self.method, &self.traced(own), true).await;
        let running = started.map_err(|Lost(reason)| {
            Failure::unavailable(format!("the server is down ({reason}); nothing was sent, try again"))
        })?;
        self.follow(running, room).await
    }

    /// Passes on what a request says until it ends or needs input.
    async fn follow(&self, mut running: Running, room: &Room) -> Result<Raw, Failure> {
        let said = Meta::of(self.params);
        loop {
            match running.next().await {
                Said::Event(Event::Note { method, params }) => self.pass(&method, &params, &said).await?,
                Said::Event(Event::Asked(asked)) => match self.refusal(&asked, &said, room) {
                    Some(error) => running.conversation.answer(&asked.id, Err(&error)).await,
                    None if self.is_mcp => return self.wait(running, asked, room),
                    None => {
                        let error = Error::new(error::INVALID_REQUEST, "the caller can't be asked");
                        running.conversation.answer(&asked.id, Err(&error)).await;
                        return Err(unasked(&asked.method));
                    }
                },
                Said::Ended(ending) => return self.end(&running.conversation, ending),
            }
        }
    }

    /// Why the client is not asked, where the server may go on without.
    fn refusal(&self, asked: &Asked, said: &Meta<'_>, room: &Room) -> Option<Error> {
        if !self.is_mcp {
            return None;
        }
        if !said.can_be_asked(&asked.method, &asked.params) {
            return Some(Error::no_method(&asked.method));
        }
        let full = || Error::new(error::INTERNAL_ERROR, "as many calls as may wait for input do");
        (!room.has_room()).then(full)
    }

    /// Lets the call wait, and asks its caller.
    fn wait(&self, running: Running, asked: Asked, room: &Room) -> Result<Raw, Failure> {
        let owner = waiting::owner(self.call, self.method, self.params);
        let (method, params) = (asked.method.clone(), asked.params.clone());
        let state = room.enter(running, asked, owner);
        let state = state.ok_or_else(|| Failure::internal("no randomness for a state"))?;
        raw(translate::input::required([(KEY, method.as_str(), params.as_str())], Some(&state)))
    }

    /// Goes on with a call that waited.
    async fn resume(&self, state: &str, room: &Room) -> Result<Raw, Failure> {
        let owner = waiting::owner(self.call, self.method, self.params);
        let waiting = room.take(state, &owner).ok_or_else(|| {
            Failure::invalid_params(
                "requestState: no call of this caller with these params waits for input here (any more); call again without it",
            )
        })?;
        let responses = json::member(self.params, "inputResponses").unwrap_or("{}");
        match json::member(responses, KEY) {
            Some(answer) => {
                waiting.running.conversation.answer(&waiting.asked.id, Ok(answer)).await;
                self.follow(waiting.running, room).await
            }
            // It asks again, as it should.
            None => self.wait(waiting.running, waiting.asked, room),
        }
    }

    /// Passes a notification on, as far as the caller takes it.
    async fn pass(&self, name: &str, params: &str, said: &Meta<'_>) -> Result<(), Failure> {
        if !self.is_mcp {
            if name == method::PROGRESS {
                let number = |member| json::member(params, member).and_then(|raw| raw.parse::<f64>().ok());
                let message = text::member(params, "message").unwrap_or_default();
                self.call.progress(number("progress").unwrap_or_default(), number("total"), message).await;
            }
            return Ok(());
        }
        let params = match name {
            method::PROGRESS => {
                let Some(token) = said.progress_token else { return Ok(()) };
                Edit::of(params).set("progressToken", mcp::raw_id(token)).finish()
            }
            method::LOG if !is_wanted(params, said) => return Ok(()),
            _ => params.into(),
        };
        let params = if params.is_empty() { String::new() } else { format!(",\"params\":{params}") };
        self.call.partial(raw(format!("{{\"method\":{}{params}}}", text::quoted(name)))?).await
    }

    fn end(&self, from: &Conversation, ending: Ending) -> Result<Raw, Failure> {
        let is_legacy = from.terms().version.era() == Era::Legacy;
        match ending {
            Ending::Result(result) => {
                if !self.is_mcp && translate::result::asks_for_input(&result) {
                    return Err(unasked("input"));
                }
                raw(from.modern(self.method, &result).into_owned())
            }
            Ending::Error(error) if is_legacy => match self.pages(&error) {
                Some(asks) => raw(asks),
                None => Err(failure(&translate::error::to_modern(&error, self.method))),
            },
            Ending::Error(error) => Err(failure(&error)),
            Ending::Lost(Lost(reason)) => Err(Failure::unavailable(format!(
                "the server was lost while it had the call ({reason}); it may have been executed"
            ))),
        }
    }

    /// What the caller is asked for by an error which says that pages have to be visited first, if it can visit any.
    fn pages(&self, error: &str) -> Option<String> {
        let asks = translate::error::to_input(error).filter(|_| self.is_mcp)?;
        let said = Meta::of(self.params);
        let mut asked = translate::input::asked(&asks).flatten();
        asked.all(|asked| said.can_be_asked(&asked.method, asked.params)).then(|| asks.clone())
    }

    /// The params with the trace that the call belongs to. For a caller that does not speak the protocol, also with the wish
    /// for progress.
    fn traced(&self, params: &str) -> String {
        let edit = Edit::of(params).within(meta::NAME, |edit| {
            let texts = [("traceparent", self.call.traceparent()), ("tracestate", self.call.tracestate())];
            let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
            let edit = texts.fold(edit, |edit, (name, text)| edit.set_text(name, text));
            if self.is_mcp { edit } else { edit.set(meta::PROGRESS_TOKEN, "0") }
        });
        edit.finish().into_owned()
    }
}

/// Whether a log message is of the level that the caller wants, or above.
fn is_wanted(params: &str, said: &Meta<'_>) -> bool {
    let level = text::member(params, "level").unwrap_or_default();
    match (said.log_level.as_deref().and_then(Level::read), Level::read(&level)) {
        (Some(wanted), Some(level)) => level >= wanted,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn unasked(method: &str) -> Failure {
    Failure::unavailable(format!(
        "the tool wants something of its client ({method}), and only a client of Model Context Protocol can be asked"
    ))
}

/// What a server's error, raw, is to callers.
pub(crate) fn failure(raw_error: &str) -> Failure {
    let error = read(raw_error);
    // An error of the server's own making tells nothing of this process: it is shown.
    let failure = Failure::new(error.platform_code(), error.message);
    match Raw::parse(format!("{{\"mcp\":{raw_error}}}")) {
        Ok(details) => failure.with_raw_details(details),
        Err(_) => failure,
    }
}

/// Text that was made here, or checked when it came.
pub(crate) fn raw(text: String) -> Result<Raw, Failure> {
    Raw::parse(text).map_err(Failure::internal)
}

/// What is a session's own: that of the call, or its agent where it has none.
pub(crate) fn session(call: &Call) -> String {
    match call.session_id() {
        "" => format!("{}\0{}", call.tenant(), call.agent()),
        session => session.to_owned(),
    }
}
