//! What servers ask of the client while a call runs, such as sampling, elicitation and roots, and who answers. Runs in the
//! client's own task, and ends with the connection that asked.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use fastwebsockets::OpCode;
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use futures_util::stream::FuturesUnordered;
use mcp::translate::input;
use mcp::{Id, error, method, write};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use tokio::sync::Notify;

use crate::shared::Shared;
use crate::waiting::lock;
use crate::wire::Outbound;
use crate::{Error, Request};

/// As many requests of servers are open at once, one for each call that a gateway lets run; more are refused.
const OPEN: usize = 256;

/// What a server asks of the client.
#[derive(Clone, Debug)]
pub struct Asked {
    /// For instance `elicitation/create`.
    pub method: String,
    /// The params as JSON; `{}` where there are none.
    pub params: Box<RawValue>,
}

impl Asked {
    /// `None` if the params are no JSON.
    fn new(method: &str, params: &str) -> Option<Self> {
        let params = if params.is_empty() { "{}" } else { params };
        let params = RawValue::from_string(params.to_owned()).ok()?;
        Some(Self { method: method.to_owned(), params })
    }
}

/// Why the client does not answer; the call that the question is for fails by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A code of JSON-RPC.
    pub code: i64,
    /// What was wrong, for the server.
    pub message: String,
}

impl Refusal {
    /// A refusal with a code of JSON-RPC.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The client does not know what it is asked.
    pub fn unknown(asked: &Asked) -> Self {
        Self::new(error::METHOD_NOT_FOUND, format!("this client can't be asked for {}", asked.method))
    }
}

type Answer = Result<Box<RawValue>, Refusal>;
type Answering = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Who answers.
#[derive(Clone)]
pub(crate) struct Handler(Arc<dyn Fn(Asked) -> Answering + Send + Sync>);

impl Handler {
    pub(crate) fn new<F, R>(handler: impl Fn(Asked) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<R, Refusal>> + Send + 'static,
        R: Serialize,
    {
        Self(Arc::new(move |asked| {
            let answer = handler(asked);
            Box::pin(async move {
                let failed = |reason: String| Refusal::new(error::INTERNAL_ERROR, reason);
                let answer = to_raw_value(&answer.await?).map_err(|error| failed(error.to_string()))?;
                let is_object = answer.get().starts_with('{');
                is_object.then_some(answer).ok_or_else(|| failed("an answer has to be an object".to_owned()))
            })
        }))
    }
}

/// What is to be answered.
enum Question {
    /// A server's own request, with its raw id.
    Request(String, Asked),
    /// A call of the client's goes on once all this is answered: its id, and its raw result.
    Round(u64, Arc<Request>, Box<RawValue>),
}

/// Where questions wait until the client's task takes them.
#[derive(Default)]
pub(crate) struct Desk {
    questions: Mutex<Questions>,
    came: Notify,
}

#[derive(Default)]
struct Questions {
    waiting: Vec<Question>,
    /// Requests of the server's, waiting or taken, that have no answer.
    open: usize,
}

impl Desk {
    /// Forgets what the connection before has asked.
    pub(crate) fn clear(&self) {
        *lock(&self.questions) = Questions::default();
    }

    fn take(&self) -> Vec<Question> {
        std::mem::take(&mut lock(&self.questions).waiting)
    }

    /// False for a request for which there is no room.
    fn put(&self, question: Question) -> bool {
        let mut questions = lock(&self.questions);
        if let Question::Request(..) = question {
            if questions.open == OPEN {
                return false;
            }
            questions.open += 1;
        }
        questions.waiting.push(question);
        self.came.notify_one();
        true
    }

    /// A request of the server's has its answer.
    fn answered(&self) {
        lock(&self.questions).open -= 1;
    }
}

impl Shared {
    /// A server asks.
    pub(super) fn asked(&self, id: Id<'_>, method: &str, params: &str) {
        if method == method::PING {
            return self.answer_server(id, Ok("{}"));
        }
        // It was read as JSON before.
        let Some(asked) = Asked::new(method, params) else { return };
        if !self.questions.put(Question::Request(mcp::raw_id(id).into_owned(), asked)) {
            let refusal = Refusal::new(error::INTERNAL_ERROR, format!("{OPEN} requests are open already"));
            self.answer_server(id, Err(&refusal));
        }
    }

    /// A call of the client's has this result, which asks for more before it goes on.
    pub(super) fn asked_by_result(&self, id: u64, request: Arc<Request>, result: Box<RawValue>) {
        self.questions.put(Question::Round(id, request, result));
    }

    /// Answers what is asked on one connection, until that ends.
    pub(crate) async fn answer_questions(&self) -> std::convert::Infallible {
        let mut open = FuturesUnordered::new();
        loop {
            for question in self.questions.take() {
                open.push(self.answer_question(question));
            }
            tokio::select! {
                () = self.questions.came.notified() => {}
                Some(()) = open.next() => {}
            }
        }
    }

    async fn answer_question(&self, question: Question) {
        match question {
            Question::Request(id, asked) => {
                let answer = self.answer_of(asked).await;
                self.questions.answered();
                self.answer_server(Id::Token(&id), answer.as_deref().map(RawValue::get));
            }
            Question::Round(id, request, result) => match self.next_round(&request, &result).await {
                Ok(next) => {
                    self.calls.ask_anew(id, next);
                    self.control.nudge();
                }
                Err(Refusal { code, message }) => {
                    if let Some(entry) = self.calls.take(id) {
                        entry.inbox.settle(Err(Error::JsonRpc { code, message, data: None }));
                    }
                }
            },
        }
    }

    /// The request again, with what the client has answered.
    async fn next_round(&self, request: &Request, result: &RawValue) -> Result<Request, Refusal> {
        let result = result.get();
        let malformed = || Refusal::new(error::INVALID_REQUEST, "a server has asked for what has no method");
        let asked = input::asked(result).collect::<Option<Vec<_>>>().ok_or_else(malformed)?;
        let answers = asked.iter().map(|asked| async {
            let asked = Asked::new(&asked.method, asked.params).ok_or_else(malformed)?;
            self.answer_of(asked).await
        });
        let answers = try_join_all(answers).await?;
        let answers = asked.iter().zip(&answers).map(|(asked, answer)| (&*asked.key, answer.get()));
        let params = input::retry(&request.params, answers, input::state(result)).into_owned();
        Ok(Request { params, ..request.clone() })
    }

    async fn answer_of(&self, asked: Asked) -> Answer {
        match self.wire.mcp.as_ref().and_then(|speech| speech.handler.as_ref()) {
            Some(Handler(handler)) => handler(asked).await,
            None => Err(Refusal::unknown(&asked)),
        }
    }

    pub(super) fn answer_server(&self, id: Id<'_>, answer: Result<&str, &Refusal>) {
        let mut payload = Vec::new();
        match answer {
            Ok(result) => write::response(id, result.as_bytes(), &mut payload),
            Err(Refusal { code, message }) => {
                write::failure(Some(id), &mcp::Error::new(*code, message.as_str()), &mut payload);
            }
        }
        self.control.send([Outbound { opcode: OpCode::Text, payload }]);
    }
}
