//! Connections from the dial to where messages may be sent: how many at once, and what is said on the way.

use std::collections::VecDeque;
use std::io;

use mio::{Interest, Token};
use protocol::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::SECOND;
use crate::connection::{Connection, Session, State};
use crate::driver::Driver;
use crate::handshake::{self, Reply};
use crate::pace::Pace;
use crate::signer::Signer;
use crate::stream::Stream;
use crate::tally::record;
use crate::{Scenario, part};

/// The ids of requests on the way in; those of the load begin far above.
const INITIALIZE: u64 = 1;
const SUBSCRIBE: u64 = 2;
/// After a refusal in a storm a connection is dialled again so much later, as the gateway's `Retry-After: 1` asks for.
const AGAIN_AFTER: u64 = SECOND;

/// What is still to be dialled.
#[derive(Debug, Default)]
pub(crate) struct Dials {
    /// When each may be dialled; in order.
    waiting: VecDeque<(u64, u32)>,
    /// Handshakes that have begun: until when they may take, which connection, and which of its attempts.
    limits: VecDeque<(u64, u32, u32)>,
    pace: Option<Pace>,
    pub(crate) under_way: usize,
    /// How many may be under way.
    burst: usize,
    /// Whether one was opened: before that, they are dialled one by one, and the first failure is the last.
    pub(crate) proven: bool,
}

impl Dials {
    /// Dials the first so many connections.
    pub(crate) fn new(count: usize, burst: usize, pace: Option<Pace>) -> Self {
        let waiting = (0..count as u32).map(|index| (0, index)).collect();
        Self { waiting, burst, pace, ..Self::default() }
    }

    /// Dials all of them again.
    pub(crate) fn again(&mut self, indexes: impl Iterator<Item = u32>) {
        self.waiting.extend(indexes.map(|index| (0, index)));
        self.pace = None;
    }

    /// Whether there is nothing more to do.
    pub(crate) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.under_way == 0
    }

    /// Dials nothing more.
    pub(crate) fn give_up(&mut self) {
        self.waiting.clear();
    }

    /// When something is to be done, besides what sockets tell.
    pub(crate) fn next(&self) -> Option<u64> {
        let limit = self.limits.front().map(|(limit, ..)| *limit);
        let room = self.under_way < self.at_once();
        let wait = self.waiting.front().filter(|_| room).map(|(at, _)| *at);
        let wait = wait.map(|at| at.max(self.pace.as_ref().and_then(Pace::next).unwrap_or(0)));
        limit.into_iter().chain(wait).min()
    }

    /// How many may be under way now.
    fn at_once(&self) -> usize {
        if self.proven { self.burst } else { 1 }
    }

    /// The next connection that is to be dialled, and when that was due.
    fn take(&mut self, now: u64) -> Option<(u64, u32)> {
        let (at, index) = *self.waiting.front()?;
        if self.under_way >= self.at_once() || at > now {
            return None;
        }
        let due = match &mut self.pace {
            Some(pace) => pace.take(now)?,
            None => now,
        };
        self.waiting.pop_front();
        self.under_way += 1;
        Some((due, index))
    }
}

impl Driver<'_> {
    /// Dials what may be dialled, and gives up what has taken too long.
    pub(crate) fn dial(&mut self, now: u64) {
        while let Some((due, index)) = self.dials.take(now) {
            self.tally.dialled += 1;
            let limit = now + self.plan.patience.as_nanos() as u64;
            let attempt = self.connections[index as usize].attempt + 1;
            self.dials.limits.push_back((limit, index, attempt));
            if let Err(error) = self.knock(index, due) {
                self.fail(index, "could not connect", &error.to_string());
            }
        }
        while let Some(&(limit, index, attempt)) = self.dials.limits.front() {
            let connection = &self.connections[index as usize];
            let is_over =
                connection.attempt != attempt || matches!(connection.state, State::Open | State::Closed);
            if !is_over && limit > now {
                break;
            }
            self.dials.limits.pop_front();
            if !is_over {
                let patience = self.plan.patience;
                self.fail(index, "no answer to the handshake", &format!("none within {patience:?}"));
            }
        }
    }

    fn knock(&mut self, index: u32, due: u64) -> io::Result<()> {
        let connection = &mut self.connections[index as usize];
        let target = self.plan.target(connection.number);
        connection.attempt += 1;
        connection.dialled = due;
        connection.state = State::Upgrading;
        let format = (!self.plan.mirror).then_some(self.plan.format);
        let request = handshake::request(target, format, self.plan.token(connection.number));
        connection.unread.clear();
        connection.unsent.clear();
        connection.signer = None;
        connection.unsent.extend_from_slice(request.as_bytes());
        let source = self.plan.source(connection.number);
        let mut stream = Stream::dial(target, source, self.plan.tls.as_ref())?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(stream.socket(), Token(index as usize), interest)?;
        connection.stream = Some(stream);
        Ok(())
    }

    /// Looks for the answer to the upgrade. Returns how many bytes of it were taken.
    pub(crate) fn upgraded(&mut self, index: u32, bytes: &[u8], now: u64, ended: bool) -> usize {
        let format = (!self.plan.mirror).then_some(self.plan.format);
        match handshake::reply(bytes, format, ended) {
            Reply::Unfinished => 0,
            Reply::Refused(kind, told) => {
                self.fail(index, &kind, &told);
                0
            }
            Reply::Upgraded(length) => {
                let connection = &mut self.connections[index as usize];
                record(&mut self.tally.upgrade, now.saturating_sub(connection.dialled));
                if self.plan.mirror {
                    self.opened(index, now);
                } else {
                    connection.state = State::Opening;
                    let params = initialize(connection);
                    self.ask(index, Method::Initialize, INITIALIZE, &params);
                }
                length
            }
        }
    }

    fn ask(&mut self, index: u32, method: Method, id: u64, params: &Value) {
        let format = self.plan.format;
        let payload = part::request(format, method, id, &params.to_string());
        self.connections[index as usize].push(part::opcode(format), &payload);
        self.mark(index);
    }

    /// Takes a message that came before messages may be sent.
    pub(crate) fn answered_on_the_way(&mut self, index: u32, payload: &[u8], now: u64) {
        let answer = match Answer::read(self.plan.format, payload) {
            Ok(answer) if answer.is_notification() => return,
            Ok(answer) => answer,
            Err(told) => return self.fail(index, "no proper answer to the handshake", &told),
        };
        let connection = &mut self.connections[index as usize];
        match (connection.state, answer.outcome) {
            (_, Err((kind, told))) => self.fail(index, &kind, &told),
            (State::Opening, Ok(result)) => {
                match Signer::of(&result, self.plan.format) {
                    Ok(signer) => self.connections[index as usize].signer = signer.map(Box::new),
                    Err(told) => return self.fail(index, "no key for signatures", &told),
                }
                self.session(index, &result, now);
                let connection = &mut self.connections[index as usize];
                if connection.listens && result["subscriptions"].as_array().is_none_or(Vec::is_empty) {
                    connection.state = State::Subscribing;
                    let params = json!({ "names": [self.events_name] });
                    self.ask(index, Method::EventSubscribe, SUBSCRIBE, &params);
                } else {
                    self.opened(index, now);
                }
            }
            (_, Ok(_)) => self.opened(index, now),
        }
    }

    /// Keeps what the answer to `initialize` says.
    fn session(&mut self, index: u32, result: &Value, now: u64) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let connection = &mut self.connections[index as usize];
        record(&mut self.tally.session, now.saturating_sub(connection.dialled));
        if self.server.is_none() {
            let server = &result["server"];
            self.server = Some(format!("{} {}", text(&server["name"]), text(&server["version"])));
        }
        self.tally.resumable += u64::from(result["resumable"] == true);
        connection.tenant = if self.events.is_some() { text(&result["tenant"]) } else { String::new() };
        if self.plan.scenario == Scenario::Storm {
            let returned = connection.session.take().is_some();
            if returned && result["resumed"] == true {
                self.tally.resumed += 1;
            } else if returned {
                self.tally.renewed += 1;
            }
            let session = Session { id: text(&result["session_id"]), token: text(&result["resume_token"]) };
            connection.session = Some(Box::new(session));
        }
    }

    fn opened(&mut self, index: u32, now: u64) {
        let connection = &mut self.connections[index as usize];
        connection.state = State::Open;
        self.tally.opened += 1;
        self.dials.under_way -= 1;
        self.dials.proven = true;
        self.open += 1;
        if let Some(dropped) = self.dropped {
            record(&mut self.tally.back, now.saturating_sub(dropped));
        }
        if connection.sends {
            self.ready(index);
        }
    }

    /// A handshake came to nothing.
    pub(crate) fn fail(&mut self, index: u32, kind: &str, told: &str) {
        let connection = &mut self.connections[index as usize];
        let url = self.plan.target(connection.number).url();
        self.tally.error(kind, told);
        self.tally.refused += 1;
        self.dials.under_way -= 1;
        if !self.dials.proven && self.failure.is_none() {
            self.failure = Some((url.to_owned(), format!("{kind}: {told}")));
        }
        connection.state = State::Closed;
        connection.stream = None;
        // In a storm the session is still there to be taken up.
        if self.dropped.is_some() {
            let now = self.clock.now();
            self.dials.waiting.push_back((now + AGAIN_AFTER, index));
        }
    }
}

fn initialize(connection: &Connection) -> Value {
    let client = json!({ "name": "mcpw bench", "version": env!("CARGO_PKG_VERSION") });
    match &connection.session {
        None => json!({ "client": client }),
        Some(session) => json!({ "client": client, "resume": {
            "session_id": session.id,
            "resume_token": session.token,
            "unanswered": [],
            "attempt": format!("mcpw-bench-storm-{}", connection.number),
            "turn": connection.attempt,
        }}),
    }
}
