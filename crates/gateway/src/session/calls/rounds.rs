//! Calls of Model Context Protocol: what is asked of a legacy client while one runs, and questions that run beside the
//! conversation. `basic/patterns/mrtr`: the server asks by its result, and the answers are another call.

use super::work::{Waits, Work};
use super::{Calls, Running};
use crate::mcp::{Ends, ROUNDS, Shape, asks, unasked};
use crate::outcome;
use crate::session::asker::Asker;
use crate::session::exchange::Exchange;
use crate::session::requests::Asked;
use crate::session::round;
use bytes::Bytes;
use mcp::translate::input;
use mcp::{Era, Id};
use protocol::{ErrorCode, Message, Meta, Outgoing};
use router::{Event, Failure};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What the ids of requests to clients begin with.
const PREFIX: &str = "mcpw:";

/// A call of this protocol.
#[derive(Debug)]
pub(in crate::session) struct Spoken {
    pub(in crate::session) shape: Shape,
    /// What a legacy client can be asked for; none of a modern one, which is asked by the result.
    capabilities: Option<Box<str>>,
    /// As the backend was sent them: those of the next round are made of them.
    method: Box<str>,
    params: Box<str>,
    timeout: Option<Duration>,
    round: Option<Round>,
    rounds: u32,
    /// The client has cancelled it, and awaits no answer.
    pub(super) is_silent: bool,
}

/// What a legacy client is being asked.
#[derive(Debug)]
struct Round {
    /// Tells its questions from all others of the session, on whichever connection.
    name: Uuid,
    /// Raw.
    state: Option<Box<str>>,
    /// By key, and what was answered.
    answers: Vec<(Box<str>, Option<Box<str>>)>,
}

impl Spoken {
    pub(in crate::session) fn new(shape: &Shape, asked: &Asked<'_>) -> Self {
        // A modern client's call has one round.
        let is_legacy = asked.capabilities.is_some();
        let kept = |text: &str| if is_legacy { text.into() } else { Box::default() };
        Self {
            shape: shape.clone(),
            capabilities: asked.capabilities.clone(),
            method: kept(asked.method),
            params: kept(asked.params),
            timeout: asked.timeout,
            round: None,
            rounds: 0,
            is_silent: false,
        }
    }

    /// A call of which nothing is known but who gets the answer.
    pub(in crate::session) fn bare(shape: Shape) -> Self {
        Self {
            shape,
            capabilities: None,
            method: Box::default(),
            params: Box::default(),
            timeout: None,
            round: None,
            rounds: 0,
            is_silent: false,
        }
    }

    /// What the client is asked by this end, if it has to be asked by requests.
    fn asks<'a>(&self, end: &'a Event) -> Option<Cow<'a, str>> {
        let Event::Result(result) = end else { return None };
        let asks = self.shape.version.era() == Era::Legacy && asks(end);
        asks.then(|| String::from_utf8_lossy(result))
    }
}

impl Running {
    /// What the journal calls it: the round that it has come to.
    pub(super) fn name(&self) -> Option<Arc<str>> {
        let request = self.asker.request.as_ref()?;
        let round = self.spoken.as_ref().map_or(0, |spoken| spoken.rounds);
        Some(if round == 0 { Arc::clone(request) } else { round::name(request, round) })
    }

    /// Its client was asked for input in so many rounds before.
    pub(super) fn go_on_from(&mut self, round: u32) {
        if let Some(spoken) = &mut self.spoken {
            spoken.rounds = round;
        }
    }

    /// Whether this is no end to a client that sends its request again: it waits for input, and only that brings what it takes
    /// to ask for it.
    pub(super) fn may_go_on(&self, end: &Event) -> bool {
        self.spoken.as_ref().is_some_and(|spoken| spoken.capabilities.is_none() && spoken.asks(end).is_some())
    }

    /// How the client is told this end.
    pub(super) fn told<'a>(&self, end: &'a Event) -> Cow<'a, Event> {
        let Some(spoken) = &self.spoken else { return Cow::Borrowed(end) };
        // The desk has done it already, since it has stored the end.
        let kept = match &self.work {
            Work::Sent(_) => spoken.shape.ends.kept(end.clone()),
            _ => end.clone(),
        };
        if let Some(asks) = spoken.asks(&kept) {
            return Cow::Owned(Event::Failed(match spoken.capabilities {
                Some(_) => unasked(&asks),
                None => outcome::repeatable("it waits for input that nobody was asked for"),
            }));
        }
        match kept {
            Event::Result(result) => {
                Cow::Owned(Event::Result(Bytes::from(spoken.shape.result(&result).into_bytes())))
            }
            Event::Failed(failure) => {
                let error = spoken.shape.error(&failure);
                let details = Some(Bytes::from(format!("{{\"mcp\":{}}}", error.to_json())));
                Cow::Owned(Event::Failed(Failure { details, ..failure }))
            }
            other => Cow::Owned(other),
        }
    }

    /// Whether it listens: it ends only when its client wants it to.
    pub(super) const fn listens(&self) -> bool {
        matches!(&self.work, Work::Waiting(waits) if waits.is_listening)
    }
}

impl Calls {
    /// Whether nothing runs that would end by itself.
    pub(in crate::session) fn only_listens(&self) -> bool {
        self.running.iter().all(|(_, running)| running.listens())
    }

    /// Ends those that listen, with a result.
    pub(in crate::session) fn end_listening(&mut self, exchange: &mut Exchange<'_>) {
        let listening = self.running.iter().filter(|(_, running)| running.listens());
        let listening: Vec<usize> = listening.map(|(place, _)| place).collect();
        for place in listening {
            let id = self.running[place].asker.request.clone().unwrap_or_default();
            let result = format!("{{\"_meta\":{{\"{}\":{id}}}}}", mcp::meta::SUBSCRIPTION_ID);
            self.finish(place, &Event::Result(Bytes::from(result)), exchange, Instant::now());
        }
    }

    /// A question that runs beside the conversation, by a task that is given the tag of its answer.
    pub(in crate::session) fn begin_waiting(
        &mut self,
        asker: Asker,
        shape: Shape,
        exchange: &Exchange<'_>,
        start: impl FnOnce(u64) -> Waits,
    ) {
        let place = self.insert(asker, None, exchange.span.take(), exchange.now);
        self.running[place].spoken = Some(Box::new(Spoken::bare(shape)));
        self.running[place].work = Work::Waiting(start(self.tag(place)));
    }

    /// Cancels a call whose client awaits no answer to it. Also the id of a call that the journal has an answer of.
    pub(in crate::session) fn cancel_silently(
        &mut self,
        id: &str,
        exchange: &mut Exchange<'_>,
    ) -> Option<Arc<str>> {
        let place = *self.by_id.get(id)?;
        if let Some(spoken) = &mut self.running[place].spoken {
            spoken.is_silent = true;
        }
        self.cancel(id, exchange).1
    }

    /// Asks a legacy client for what the server has asked for by this end; false if it is an end.
    pub(super) fn ask_client(&mut self, place: usize, end: &Event, exchange: &mut Exchange<'_>) -> bool {
        let tag = self.tag(place);
        let running = &mut self.running[place];
        let Some(spoken) = &mut running.spoken else { return false };
        let Some(result) = spoken.asks(end) else { return false };
        let Some(capabilities) = &spoken.capabilities else { return false };
        let asked: Option<Vec<_>> = input::asked(&result).collect();
        let Some(asked) = asked.filter(|_| spoken.rounds < ROUNDS) else { return false };
        if asked.iter().any(|asked| !mcp::meta::can_be_asked(capabilities, &asked.method, asked.params)) {
            return false;
        }
        spoken.rounds += 1;
        let name = Uuid::now_v7();
        spoken.round = Some(Round {
            name,
            state: input::state(&result).map(Box::from),
            answers: asked.iter().map(|asked| (Box::from(&*asked.key), None)).collect(),
        });
        // Whoever ran it has counted it: a legacy client has a session.
        running.work = Work::Nobody;
        for (number, asked) in asked.iter().enumerate() {
            let id = format!("\"{PREFIX}{tag}:{number}:{name}\"");
            let method = protocol::MethodName::Custom(Cow::Borrowed(&*asked.method));
            exchange.send(&Outgoing::request(Id::Token(&id), method, asked.params.as_bytes(), None));
        }
        if asked.is_empty() {
            // Nothing is needed but another attempt.
            self.next_round(place, exchange);
        }
        true
    }

    /// A client has answered something. Also the id of a call that the journal has an answer of.
    pub(in crate::session) fn hear_input(
        &mut self,
        id: Id<'_>,
        answer: Result<&str, &str>,
        exchange: &mut Exchange<'_>,
    ) -> Option<Arc<str>> {
        let raw = mcp::raw_id(id);
        let named = raw.strip_prefix('"')?.strip_suffix('"')?.strip_prefix(PREFIX)?;
        let (tag, question) = named.split_once(':')?;
        let (number, name) = question.split_once(':')?;
        let place = self.place_of(tag.parse().ok()?)?;
        let round = self.running[place].spoken.as_mut()?.round.as_mut()?;
        if Uuid::try_parse(name).ok()? != round.name {
            return None;
        }
        let slot = round.answers.get_mut(number.parse::<usize>().ok()?)?;
        match answer {
            Ok(result) => slot.1 = Some(result.into()),
            Err(error) => {
                let details = Some(Bytes::from(format!("{{\"mcp\":{error}}}")));
                let message = "the client has refused what the server asked it for";
                let failure = Failure { details, ..Failure::new(ErrorCode::Cancelled, message) };
                return self.finish(place, &Event::Failed(failure), exchange, Instant::now());
            }
        }
        if round.answers.iter().all(|(_, answer)| answer.is_some()) {
            self.next_round(place, exchange);
        }
        None
    }

    /// Calls again, with what the client has answered. The journal knows each round, so that a client that is gone meanwhile
    /// finds the latest.
    fn next_round(&mut self, place: usize, exchange: &Exchange<'_>) {
        let running = &mut self.running[place];
        let (Some(handler), Some(spoken)) = (running.handler.clone(), &mut running.spoken) else { return };
        let Some(round) = spoken.round.take() else { return };
        let answers = round.answers.iter().map(|(key, answer)| (&**key, answer.as_deref().unwrap_or("{}")));
        let params = input::retry(&spoken.params, answers, round.state.as_deref()).into_owned();
        let (method, shape, rounds) = (spoken.method.clone(), spoken.shape.clone(), spoken.rounds);
        let asked = Asked {
            handler: &handler,
            method: &method,
            params: &params,
            context: None,
            timeout: spoken.timeout,
            shape: Some(&shape),
            capabilities: None,
        };
        let asker = running.asker.clone();
        let request = Message {
            id: None,
            kind: protocol::Kind::Request,
            method: None,
            body: "",
            meta: Meta::default(),
            seq: None,
        };
        let mut order = self.order(&asker, &request, &asked, false, exchange);
        order.request = round::name(&order.request, rounds);
        self.dispatch(place, order, exchange);
    }
}

impl Ends {
    /// The same where a call is begun for such a shape.
    pub(in crate::session) fn of(asked: &Asked<'_>) -> Option<Self> {
        asked.shape.map(|shape| shape.ends)
    }
}
