//! `POST` of the endpoint: one message of a client's. `basic/transports/streamable-http`, "Sending Messages".

use super::answering::{Answering, Kept, Legacy};
use super::batch;
use super::kinds::Kinds;
use super::session::{self, Session};
use super::{headers, listen, params, refused, resumed, rounds, stream};
use crate::kept::out_of_reach;
use crate::limits::Seats;
use crate::mcp::{self as core, Becomes, Client, Key, Plan, Request, Server};
use crate::measure;
use crate::rest::answer::{self, Answer};
use crate::rest::ask::{Ask, JSON};
use crate::rest::problem::Problem;
use crate::trace;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use mcp::{Era, Error, Id, Message, Meta, method, write};
use protocol::{ErrorCode, json};
use router::{Handler, Kind};
use std::rc::Rc;

/// What a request is refused with: an answer that is written, or one that REST would tell as a problem, with the scope that
/// was missing.
enum Refusal {
    Answer(Box<Answer>),
    Problem(Problem, Option<String>),
}

impl Refusal {
    /// The request is malformed.
    fn malformed(id: Id<'_>, error: &Error) -> Self {
        Self::Answer(Box::new(refused::malformed(Some(id), error)))
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem, None)
    }
}

/// A request, and who asks.
struct Asked<'a> {
    id: Id<'a>,
    method: &'a str,
    params: &'a str,
    meta: Meta<'a>,
    era: Era,
    session: Option<Session>,
    kinds: Kinds,
}

pub(super) async fn answer(mut ask: Ask) -> Result<Answer, Problem> {
    let kinds = Kinds::of(&ask)?;
    let body = ask.needed_text(JSON).await?;
    if body.starts_with('[') {
        return batch::answer(ask, kinds, &body).await;
    }
    let depth = ask.shard().terms().config.websocket.max_json_depth;
    let message = match Message::decode(&body, depth) {
        Ok(message) => message,
        Err(rejection) => return Ok(rejected(&rejection)),
    };
    let own = match &message {
        Message::Request { params, .. } => ask.follow(&Meta::of(params)),
        _ => None,
    };
    let ask = Rc::new(ask);
    let answer = one(&ask, kinds, &message, &body).await?;
    if let Some(open) = own {
        let method = core::method_name(message.method().unwrap_or_default().into());
        let tracer = &ask.shard().pod.tracer;
        trace::tell_brought(tracer, open, trace::method_name(Some(&method)), answer.status().as_u16());
    }
    Ok(answer)
}

/// What is no message.
pub(super) fn rejected(rejection: &mcp::Rejection<'_>) -> Answer {
    let error = Error::new(rejection.code, rejection.message.as_ref());
    refused::error(rejection.id, &error, Era::Legacy)
}

/// Answers one message; `text` is all of it.
///
/// # Errors
/// It is no request, and not taken; or there are too many.
pub(super) async fn one(
    ask: &Rc<Ask>,
    kinds: Kinds,
    message: &Message<'_>,
    text: &str,
) -> Result<Answer, Problem> {
    let counted = core::method_name(message.method().unwrap_or_default().into());
    let seats = ask.link.count(ask, counted.name()).await?;
    match message {
        Message::Request { id, method, params } => {
            let answered = request(ask, kinds, *id, method, params, seats).await;
            Ok(answered.unwrap_or_else(|refusal| match refusal {
                Refusal::Answer(answer) => *answer,
                Refusal::Problem(problem, missing) => {
                    let config = &ask.shard().terms().config;
                    refused::problem(problem, Some(*id), missing.as_deref(), config)
                }
            }))
        }
        Message::Notification { method, params } => notification(ask, method, params).await,
        Message::Response { .. } | Message::Failure { .. } => answered(ask, message, text).await,
    }
}

/// A notification is taken, or is not; nobody is answered.
async fn notification(ask: &Ask, name: &str, params: &str) -> Result<Answer, Problem> {
    let era = match headers::era(&ask.head.headers, Meta::of(params).version.as_deref(), false) {
        Ok(era) => era,
        Err(error) => return Ok(refused::malformed(None, &error)),
    };
    if era == Era::Legacy {
        let session = session::named(ask).await?;
        if name == method::CANCELLED
            && let Some(id) = core::cancelled(params)
        {
            cancel(ask, &Kept::Request(session.id, mcp::raw_id(id).into())).await;
        }
    }
    Ok(answer::empty(StatusCode::ACCEPTED))
}

/// `basic/utilities/cancellation` of 2025-11-25: at whichever pod the call runs, in whichever round.
async fn cancel(ask: &Ask, call: &Kept) {
    // Where the journal can't be asked it is looked for here.
    let found = resumed::find(ask, call, 0).await.ok().flatten();
    if let Some(name) = found.map(|found| found.name).or_else(|| call.name(ask, 0)) {
        ask.shard().cancel_elsewhere(name.session(&ask.identity), &name.request());
    }
}

/// What a client was asked for. Only one with a session is.
async fn answered(ask: &Ask, message: &Message<'_>, text: &str) -> Result<Answer, Problem> {
    match headers::era(&ask.head.headers, None, false) {
        Ok(Era::Legacy) => {}
        Ok(Era::Modern) => {
            let error = Error::new(
                mcp::error::INVALID_REQUEST,
                "nobody has asked: requests and notifications are taken here",
            );
            return Ok(refused::malformed(None, &error));
        }
        Err(error) => return Ok(refused::malformed(None, &error)),
    }
    let session = session::named(ask).await?;
    match rounds::hand_over(ask.shard(), session.id, message, text).await {
        Ok(true) => Ok(answer::empty(StatusCode::ACCEPTED)),
        Ok(false) => {
            let error = Error::new(mcp::error::INVALID_REQUEST, "nothing was asked under this id");
            Ok(refused::malformed(None, &error))
        }
        Err(session_store::Error::TooLarge { limit, .. }) => {
            let detail = format!(
                "what was asked at another pod may be answered with {limit} bytes (store.bounds.message_bytes)"
            );
            Err(Problem::new(ErrorCode::TooLarge, detail))
        }
        Err(error) => Err(out_of_reach(&error).into()),
    }
}

async fn request(
    ask: &Rc<Ask>,
    kinds: Kinds,
    id: Id<'_>,
    method: &str,
    params: &str,
    seats: Option<Box<Seats>>,
) -> Result<Answer, Refusal> {
    let meta = Meta::of(params);
    let malformed = |error: Error| Refusal::malformed(id, &error);
    let era = headers::era(&ask.head.headers, meta.version.as_deref(), true).map_err(malformed)?;
    let session = match era {
        Era::Modern => {
            headers::check(&ask.head.headers, method, params).map_err(malformed)?;
            None
        }
        Era::Legacy if method == method::INITIALIZE => None,
        Era::Legacy => Some(session::named(ask).await?),
    };
    let asked = Asked { id, method, params, meta, era, session, kinds };
    let mut answer = becomes(ask, asked).await?;
    answer.body_mut().hold(seats);
    Ok(answer)
}

async fn becomes(ask: &Rc<Ask>, asked: Asked<'_>) -> Result<Answer, Refusal> {
    let (id, era) = (asked.id, asked.era);
    let becomes = {
        let client = asked.session.as_ref().map(|session| &session.client);
        let request = Request::new(asked.method, asked.params, client)
            .map_err(|error| Refusal::malformed(id, &error))?;
        Server { table: ask.shard().router.table(), access: ask.access() }.decide(&request)
    };
    match becomes {
        Becomes::Answer(result) => Ok(result_of(id, &result, asked.kinds)),
        Becomes::Failure(error) => Ok(refused::error(Some(id), &error, era)),
        Becomes::NoTool(error) => {
            measure::not_found(ask.shard());
            Ok(refused::error(Some(id), &error, era))
        }
        Becomes::Forbidden(what, why) => Err(ask.forbidden(&what, &why).into()),
        Becomes::Call(plan) => call(ask, &asked, *plan).await,
        Becomes::Ask(asking) => {
            let session = asked.session.as_ref().map(|session| session.id);
            let answering = Answering::asking(Rc::clone(ask), &mcp::raw_id(id), *asking, session);
            Ok(stream::answer(answering, asked.kinds).await?)
        }
        Becomes::Listen(wish) => Ok(listen::modern(ask, &mcp::raw_id(id), wish).await?),
        Becomes::Initialize(client) => initialize(ask, &asked, &client).await,
        Becomes::Subscribe(uri, wants) => {
            if let Some(session) = asked.session {
                listen::subscribe(ask, session, &uri, wants).await?;
            }
            Ok(result_of(id, "{}", asked.kinds))
        }
        Becomes::SetLevel(level) => {
            if let Some(session) = asked.session {
                session::change(ask, session, |state| state.set_level(&level)).await?;
            }
            Ok(result_of(id, "{}", asked.kinds))
        }
        // A notification asks for no answer.
        Becomes::Nothing => Ok(refused::error(Some(id), &Error::no_method(asked.method), era)),
    }
}

/// A result that is at hand.
fn result_of(id: Id<'_>, result: &str, kinds: Kinds) -> Answer {
    let mut out = Vec::new();
    write::response(id, result.as_bytes(), &mut out);
    if kinds.json {
        return answer::json(StatusCode::OK, out);
    }
    let event = crate::rest::sse::write("", "", &out);
    answer::events(futures_util::stream::once(std::future::ready(event)))
}

/// `basic/lifecycle` of 2025-11-25: the session that is named from now on is told in a header.
async fn initialize(ask: &Ask, asked: &Asked<'_>, client: &Client) -> Result<Answer, Refusal> {
    let session = session::open(ask, client).await?;
    let server = Server { table: ask.shard().router.table(), access: ask.access() };
    let mut answer = result_of(asked.id, &core::initialized(client, &server, None), asked.kinds);
    if let Ok(name) = HeaderValue::from_str(&session.to_string()) {
        answer.headers_mut().insert(headers::SESSION, name);
    }
    tracing::debug!(
        %session,
        tenant = ask.identity.tenant(),
        agent = ask.identity.agent(),
        client = &*client.info,
        version = client.version.name(),
        "initialize over HTTP"
    );
    Ok(answer)
}

/// A call of a backend.
async fn call(ask: &Rc<Ask>, asked: &Asked<'_>, plan: Plan) -> Result<Answer, Refusal> {
    let is_tool = plan.handler.kind == Kind::Tool;
    if asked.era == Era::Modern && is_tool {
        let arguments = json::member(asked.params, "arguments").unwrap_or("{}");
        params::check(&ask.head.headers, schema(&plan.handler), arguments)
            .map_err(|error| Refusal::malformed(asked.id, &error))?;
    }
    let missing = plan.handler.scopes.iter().find(|scope| !ask.identity.has_scope(scope)).cloned();
    let (kept, legacy) = match &asked.session {
        Some(session) => {
            // "Sending Messages to the Server" of 2025-11-25: a client that is gone has not cancelled its call.
            let kept =
                if is_tool { Kept::Request(session.id, mcp::raw_id(asked.id).into()) } else { Kept::No };
            let capabilities = session.client.capabilities.clone();
            (kept, Some(Legacy { session: session.id, capabilities }))
        }
        None => (key(asked)?, None),
    };
    let answering = Answering::calling(Rc::clone(ask), &mcp::raw_id(asked.id), plan, kept, legacy);
    stream::answer(answering, asked.kinds).await.map_err(|problem| {
        let missing = missing.filter(|_| problem.is(ErrorCode::Forbidden));
        Refusal::Problem(problem, missing)
    })
}

/// The key that a modern client has named a request by.
fn key(asked: &Asked<'_>) -> Result<Kept, Refusal> {
    let key = Key::of(asked.params, &asked.meta).map_err(|error| Refusal::malformed(asked.id, &error))?;
    Ok(key.map_or(Kept::No, Kept::Key))
}

/// The schema of a tool's arguments.
fn schema(tool: &Handler) -> &str {
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let own = json::member(text(&tool.mcp), "inputSchema");
    own.or_else(|| json::member(text(&tool.listing), "input_schema")).unwrap_or_default()
}
