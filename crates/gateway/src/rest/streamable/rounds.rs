//! Input from legacy clients: what a call asks for goes to the client as requests on the call's own stream, and what it posts
//! back, at whichever pod, comes to the shard where the call waits. `basic/patterns/mrtr`; `basic/transports` of 2025-11-25,
//! "Sending Messages to the Server".

use crate::mail::Letter;
use crate::shard::Shard;
use mcp::translate::input;
use mcp::{Id, Message, write};
use protocol::json;
use router::Failure;
use session_store::{Channel as _, Error, PodId, SessionId};
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use tokio::sync::oneshot;
use uuid::Uuid;

/// What the ids of requests to clients begin with.
const PREFIX: &str = "mcpw:";

/// Who waits for the answer of a client of this session.
type Waits = (SessionId, oneshot::Sender<Box<str>>);

/// Who waits in a shard for what clients answer, by the name of the question.
#[derive(Debug, Default)]
pub(crate) struct Rounds(RefCell<HashMap<Box<str>, Waits>>);

impl Rounds {
    /// A client of this session has answered the question of this name; nothing if nobody here waits for it.
    pub(crate) fn answered(&self, session: SessionId, name: &str, message: &str) {
        let mut waiting = self.0.borrow_mut();
        if waiting.get(name).is_some_and(|(of, _)| *of == session)
            && let Some((_, waits)) = waiting.remove(name)
        {
            // Who has asked may be gone.
            let _ = waits.send(message.into());
        }
    }
}

/// A question to a client.
struct Question {
    shard: Rc<Shard>,
    key: Box<str>,
    name: Box<str>,
    answer: oneshot::Receiver<Box<str>>,
}

impl Drop for Question {
    fn drop(&mut self) {
        self.shard.rounds.0.borrow_mut().remove(&self.name);
    }
}

/// All that one end of a call asks a client for.
pub(super) struct Round {
    /// Requests that are to be sent, in whole.
    unsent: VecDeque<String>,
    questions: VecDeque<Question>,
    answers: Vec<(Box<str>, Box<str>)>,
    /// Raw.
    state: Option<Box<str>>,
}

/// What is to be done in a round.
pub(super) enum Turn {
    /// This request goes to the client.
    Send(String),
    /// The client has answered all: these are the params of the next call.
    Over(String),
    /// The client has refused, and said why; a raw error object.
    Refused(Box<str>),
}

impl Round {
    /// That of a result which asks for input; none if it asks for what this client can't be asked for.
    pub(super) fn of(
        result: &str,
        capabilities: &str,
        session: SessionId,
        shard: &Rc<Shard>,
    ) -> Option<Self> {
        let asked: Vec<_> = input::asked(result).collect::<Option<_>>()?;
        if asked.iter().any(|asked| !mcp::meta::can_be_asked(capabilities, &asked.method, asked.params)) {
            return None;
        }
        let mut round = Self {
            unsent: VecDeque::new(),
            questions: VecDeque::new(),
            answers: Vec::new(),
            state: input::state(result).map(Box::from),
        };
        for asked in asked {
            let name: Box<str> = Uuid::now_v7().to_string().into();
            let id = format!("\"{PREFIX}{}:{name}\"", shard.pod.id.as_str());
            let mut text = Vec::new();
            write::request(Id::Token(&id), &asked.method, asked.params.as_bytes(), &mut text);
            round.unsent.push_back(String::from_utf8(text).unwrap_or_default());
            let (waits, answer) = oneshot::channel();
            shard.rounds.0.borrow_mut().insert(name.clone(), (session, waits));
            let key = Box::from(&*asked.key);
            round.questions.push_back(Question { shard: Rc::clone(shard), key, name, answer });
        }
        Some(round)
    }

    /// What is to be done next. `params` are those of the call that has asked. Cancel safe.
    pub(super) async fn next(&mut self, params: &str) -> Turn {
        if let Some(request) = self.unsent.pop_front() {
            return Turn::Send(request);
        }
        while let Some(question) = self.questions.front_mut() {
            let answer = (&mut question.answer).await.unwrap_or_default();
            if let Some(error) = json::member(&answer, "error") {
                return Turn::Refused(error.into());
            }
            let result = json::member(&answer, "result").unwrap_or("{}");
            self.answers.push((question.key.clone(), result.into()));
            self.questions.pop_front();
        }
        let answers = self.answers.iter().map(|(key, answer)| (&**key, &**answer));
        Turn::Over(input::retry(params, answers, self.state.as_deref()).into_owned())
    }
}

/// A client has refused what a server asked it for.
pub(super) fn refused(error: &str) -> Failure {
    let details = Some(bytes::Bytes::from(format!("{{\"mcp\":{error}}}")));
    let message = "the client has refused what the server asked it for";
    Failure { details, ..Failure::new(protocol::ErrorCode::Cancelled, message) }
}

/// Hands an answer of a client to whoever has asked, here or at another pod; false if the id is none that was given out, or its
/// pod is gone.
///
/// # Errors
/// It can't be sent to the other pod.
pub(super) async fn hand_over(
    shard: &Shard,
    session: SessionId,
    message: &Message<'_>,
    text: &str,
) -> Result<bool, Error> {
    let Some(id) = message.id().map(mcp::raw_id) else { return Ok(false) };
    let named = || id.strip_prefix('"')?.strip_suffix('"')?.strip_prefix(PREFIX)?.rsplit_once(':');
    let Some((pod, name)) = named() else { return Ok(false) };
    let letter = Letter::Answer { session: session.0, question: name.into(), message: text.into() };
    if pod == shard.pod.id.as_str() {
        shard.tell_all(&letter);
        return Ok(true);
    }
    let Ok(pod) = PodId::new(pod) else { return Ok(false) };
    shard.store.send(&pod, &letter.encode()).await
}
