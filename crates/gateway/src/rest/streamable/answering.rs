//! A request that is being answered: what its client hears meanwhile, and at last. Whoever writes it chooses how.

use super::refused;
use super::rounds::{self, Round, Turn};
use crate::kept::{CallId, Work};
use crate::mcp::{self as core, Asking, Key, Note, Plan, ROUNDS, Shape, unasked};
use crate::rest::ask::Ask;
use crate::rest::problem::Problem;
use crate::rest::running::Running;
use bytes::Bytes;
use hyper::StatusCode;
use mcp::translate::result;
use mcp::{Error, Id, write};
use router::{Event, Failure};
use session_store::SessionId;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// Who asks, if it is a legacy client: its session, and what it can be asked for.
#[derive(Clone, Debug)]
pub(super) struct Legacy {
    pub(super) session: SessionId,
    /// A raw object, or "".
    pub(super) capabilities: Box<str>,
}

/// What keeps a call in the journal, so that its answer is found again.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    /// Nothing: it ends with the request.
    No,
    /// The key of a modern client.
    Key(Key),
    /// The session and the id of a legacy client's request.
    Request(SessionId, Box<str>),
}

impl Kept {
    /// An event as it is kept. The desk has made that of one which it has kept.
    fn end(&self, shape: &Shape, event: Event) -> Event {
        if matches!(self, Self::No) { shape.ends.kept(event) } else { event }
    }

    /// The name of the call in this round.
    pub(super) fn name(&self, ask: &Ask, round: u32) -> Option<CallId> {
        let key = match self {
            Self::No => return None,
            Self::Key(key) => return Some(key.id(&ask.identity)),
            Self::Request(session, id) => format!("mcp {session} {id} {round}"),
        };
        Some(CallId::of_key(&ask.identity, &key))
    }
}

/// What a client is to hear.
pub(super) enum Heard {
    /// A notification.
    Note(Note),
    /// A request of ours, whole.
    Asked(String),
    /// The answer: a raw result, as the client's version has it.
    End(Result<String, Error>),
}

type Later<T> = Pin<Box<dyn Future<Output = T>>>;

/// The request.
pub(super) struct Answering {
    ask: Rc<Ask>,
    /// Raw.
    id: Box<str>,
    shape: Shape,
    legacy: Option<Legacy>,
    state: State,
}

enum State {
    /// Backends are asked for parts.
    Asking(Later<Result<Bytes, Failure>>),
    Calling(Box<Calling>),
}

/// A call, in as many rounds as it takes.
struct Calling {
    plan: Plan,
    kept: Kept,
    round: u32,
    step: Step,
}

enum Step {
    /// It is on its way to the backend, or to the journal.
    Begins(Later<Result<Running, Problem>>),
    Runs(Running),
    Asks(Box<Round>),
}

impl Answering {
    /// That which several backends are asked.
    pub(super) fn asking(ask: Rc<Ask>, id: &str, asking: Asking, session: Option<SessionId>) -> Self {
        let shape = asking.shape.clone();
        let answer = asking.answer(Rc::clone(ask.shard()), ask.identity.clone(), session);
        Self { ask, id: id.into(), shape, legacy: None, state: State::Asking(Box::pin(answer)) }
    }

    /// That which one backend is called for.
    pub(super) fn calling(ask: Rc<Ask>, id: &str, plan: Plan, kept: Kept, legacy: Option<Legacy>) -> Self {
        let (shape, step) = (plan.shape.clone(), Step::begin(&ask, &plan, &kept, legacy.as_ref(), 0));
        let calling = Calling { plan, kept, round: 0, step };
        Self { ask, id: id.into(), shape, legacy, state: State::Calling(Box::new(calling)) }
    }

    pub(super) fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The id, as it was written.
    pub(super) fn id(&self) -> Id<'_> {
        Id::Token(&self.id)
    }

    /// Whether its answer is found again by who has lost the stream, and reads an event without data.
    pub(super) fn is_resumable(&self) -> bool {
        let is_kept =
            matches!(&self.state, State::Calling(calling) if matches!(calling.kept, Kept::Request(..)));
        is_kept && self.shape.version >= mcp::Version::V2025_11_25
    }

    /// Waits until a call stands where it has to before anything is answered.
    ///
    /// # Errors
    /// It can't be begun, or not for this client.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn begun(&mut self) -> Result<(), Problem> {
        if let State::Calling(calling) = &mut self.state
            && let Step::Begins(begins) = &mut calling.step
        {
            calling.step = Step::Runs(begins.await?);
        }
        Ok(())
    }

    /// What the client is to hear next. Nothing comes after the end. Cancel safe.
    pub(super) async fn next(&mut self) -> Heard {
        match &mut self.state {
            State::Asking(answer) => match answer.await {
                Ok(result) => Heard::End(Ok(self.shape.result(&result))),
                Err(failure) => Heard::End(Err(self.shape.error(&failure))),
            },
            State::Calling(calling) => calling.next(&self.ask, &self.shape, self.legacy.as_ref()).await,
        }
    }

    /// The status of what was heard, where that is the whole answer.
    pub(super) fn status(&self, heard: &Heard) -> StatusCode {
        match heard {
            Heard::End(Err(error)) => refused::answered(error, self.shape.version.era()),
            _ => StatusCode::OK,
        }
    }

    /// A message with what was heard.
    pub(super) fn written(&self, heard: &Heard) -> Vec<u8> {
        let mut out = Vec::new();
        match heard {
            Heard::Note(note) => write::notification(&note.method, note.params.as_bytes(), &mut out),
            Heard::Asked(request) => out.extend_from_slice(request.as_bytes()),
            Heard::End(Ok(result)) => write::response(self.id(), result.as_bytes(), &mut out),
            Heard::End(Err(error)) => write::failure(Some(self.id()), error, &mut out),
        }
        out
    }
}

impl Step {
    fn begin(ask: &Rc<Ask>, plan: &Plan, kept: &Kept, legacy: Option<&Legacy>, round: u32) -> Self {
        let work = Work {
            handler: plan.handler.clone(),
            method: plan.method.clone(),
            params: plan.params.as_bytes().into(),
            timeout: plan.timeout,
            session: legacy.map(|legacy| legacy.session),
        };
        let (name, ends) = (kept.name(ask, round), plan.shape.ends);
        let named = name.map(|name| {
            core::named(name, plan)
                .ok_or_else(|| Problem::unavailable("the key can't be kept; nothing was sent"))
        });
        let ask = Rc::clone(ask);
        Self::Begins(Box::pin(async move { ask.begin(work, named.transpose()?, Some(ends)).await }))
    }
}

impl Calling {
    async fn next(&mut self, ask: &Rc<Ask>, shape: &Shape, legacy: Option<&Legacy>) -> Heard {
        loop {
            match &mut self.step {
                Step::Begins(begins) => match begins.await {
                    Ok(running) => self.step = Step::Runs(running),
                    Err(problem) => return Heard::End(Err(shape.error(&problem.into_parts().0))),
                },
                Step::Runs(running) => match self.kept.end(shape, running.next().await) {
                    Event::Progress(progress) => {
                        if let Some(note) = shape.progress(&progress) {
                            return Heard::Note(note);
                        }
                    }
                    Event::Partial(partial) => {
                        if let Some(note) = shape.partial(&partial) {
                            return Heard::Note(note);
                        }
                    }
                    Event::Failed(failure) => return Heard::End(Err(shape.error(&failure))),
                    Event::Result(end) => {
                        let end = String::from_utf8_lossy(&end);
                        match legacy.filter(|_| result::asks_for_input(&end)) {
                            None => return Heard::End(Ok(shape.result(end.as_bytes()))),
                            Some(legacy) => match self.round(&end, ask, legacy) {
                                Some(round) => self.step = Step::Asks(Box::new(round)),
                                None => return Heard::End(Err(shape.error(&unasked(&end)))),
                            },
                        }
                    }
                },
                Step::Asks(round) => match round.next(&self.plan.params).await {
                    Turn::Send(request) => return Heard::Asked(request),
                    Turn::Refused(error) => return Heard::End(Err(shape.error(&rounds::refused(&error)))),
                    Turn::Over(params) => {
                        self.plan.params = params;
                        self.round += 1;
                        self.step = Step::begin(ask, &self.plan, &self.kept, legacy, self.round);
                    }
                },
            }
        }
    }

    fn round(&self, end: &str, ask: &Ask, legacy: &Legacy) -> Option<Round> {
        let may_go_on = self.round < ROUNDS;
        may_go_on.then(|| Round::of(end, &legacy.capabilities, legacy.session, ask.shard()))?
    }
}
