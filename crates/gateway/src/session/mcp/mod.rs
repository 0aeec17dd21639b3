//! Model Context Protocol on a connection: its messages become the same operations as those of `mcp.v1`, so that limits, the
//! journal, traces and whoever watches see no difference. What a message means is decided elsewhere.

mod hear;
mod open;
pub(super) mod words;

pub(super) use hear::Heard;
pub(super) use open::Opens;

use super::Session;
use super::exchange::{Close, Exchange};
use super::requests::Asked;
use crate::kept::Named;
use crate::mcp::{self as core, Becomes, Client, Key, Note, Plan, Request, Server};
use crate::measure;
use mcp::{Era, Error, Message as Word, method};
use protocol::{CloseCode, ErrorCode, Kind, Message, Meta, Method, MethodName, Outgoing, Rejection};
use std::borrow::Cow;

/// What is known of a client that has opened a session. A modern one needs none of it.
#[derive(Debug, Default)]
pub(super) struct Mcp {
    /// What it said at `initialize`; none in the modern era.
    client: Option<Client>,
    /// What a legacy client hears of without asking each time.
    heard: Option<Heard>,
}

impl Session {
    /// A text frame with one message; in 2025-03-26 also with several.
    pub(super) fn mcp_text(&mut self, text: &str, exchange: &mut Exchange<'_>) -> Result<(), Close> {
        let limits = exchange.shard.terms().messages;
        let has_batches = self.mcp_client().is_some_and(|client| client.version.has_batches());
        let mut outcome = Ok(());
        if has_batches {
            Word::decode_batch(text, limits.depth, limits.batch, |word| {
                if outcome.is_ok() && exchange.has_turn(self.is_held_up()) {
                    outcome = self.mcp_word(word, exchange);
                }
            });
        } else if exchange.has_turn(self.is_held_up()) {
            outcome = self.mcp_word(Word::decode(text, limits.depth), exchange);
        }
        outcome
    }

    /// A binary frame is none of this protocol's.
    pub(super) fn mcp_binary() -> Close {
        Close::new(CloseCode::Unsupported, "mcp has text frames only, each with one JSON-RPC message")
    }

    fn mcp_word(
        &mut self,
        word: Result<Word<'_>, mcp::Rejection<'_>>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        let message = match word {
            Ok(Word::Request { id, method, params }) => Ok(asked(Some(id), method, params)),
            Ok(Word::Notification { method, params }) => Ok(asked(None, method, params)),
            Ok(Word::Response { id, result }) => Ok(answered(Kind::Response, Some(id), result)),
            Ok(Word::Failure { id, error }) => Ok(answered(Kind::Error, id, error)),
            Err(rejection) => Err(Rejection {
                id: rejection.id,
                method_code: 0,
                code: ErrorCode::InvalidMessage,
                message: rejection.message,
            }),
        };
        self.message(message, None, exchange)
    }

    /// A message that was counted, and that its sender may send.
    pub(super) fn mcp_take(&mut self, message: &Message<'_>, exchange: &mut Exchange<'_>) {
        match message.kind {
            Kind::Request => self.mcp_request(message, exchange),
            Kind::Notification => self.mcp_notification(message, exchange),
            // Of a client that was asked for input.
            Kind::Response | Kind::Error => {
                if let (Some(id), Some(calls)) = (message.id, &mut self.calls) {
                    let answer =
                        if message.kind == Kind::Response { Ok(message.body) } else { Err(message.body) };
                    let kept = calls.hear_input(id, answer, exchange);
                    self.answered(kept, exchange);
                }
            }
            Kind::Ping | Kind::Pong => {}
        }
    }

    fn mcp_notification(&mut self, message: &Message<'_>, exchange: &mut Exchange<'_>) {
        if name_of(message) != method::CANCELLED {
            return;
        }
        // Not an answer follows: `basic/patterns/cancellation`.
        if let Some(id) = core::cancelled(message.body)
            && let Some(calls) = &mut self.calls
        {
            let kept = calls.cancel_silently(&id.canonical(), exchange);
            self.answered(kept, exchange);
        }
    }

    fn mcp_request(&mut self, message: &Message<'_>, exchange: &mut Exchange<'_>) {
        let server = Server { table: exchange.shard.router.table(), access: self.access() };
        let client = self.mcp_client();
        let (becomes, key) = match Request::new(name_of(message), message.body, client) {
            Ok(request) => (server.decide(&request), key_of(&request)),
            Err(error) => (Becomes::Failure(error), Ok(None)),
        };
        match becomes {
            Becomes::Answer(result) => exchange.answer(message, result.as_bytes()),
            Becomes::Failure(error) => refuse(message, &error, exchange),
            Becomes::NoTool(error) => {
                measure::not_found(exchange.shard);
                refuse(message, &error, exchange);
            }
            Becomes::Forbidden(what, why) => self.forbid(message, &what, &why, exchange),
            Becomes::Call(plan) => {
                let asked = Asked {
                    handler: &plan.handler,
                    method: &plan.method,
                    params: &plan.params,
                    context: None,
                    timeout: plan.timeout,
                    shape: Some(&plan.shape),
                    capabilities: client.map(|client| client.capabilities.clone()),
                };
                match key.and_then(|key| key.map(|key| self.named(&key, &plan)).transpose()) {
                    Ok(None) => self.call(message, &asked, exchange),
                    Ok(Some(named)) => self.call_named(message, &asked, &named, exchange),
                    Err(error) => refuse(message, &error, exchange),
                }
            }
            Becomes::Ask(asking) => {
                let (shape, session) = (asking.shape.clone(), self.stored());
                let answer = asking.answer(exchange.shard.clone(), self.identity.clone(), session);
                self.begin_task(message, shape, answer, exchange);
            }
            Becomes::Listen(wish) => self.mcp_listen(message, wish, exchange),
            Becomes::Subscribe(uri, wanted) => self.mcp_subscribe(message, uri, wanted, exchange),
            Becomes::Initialize(client) => self.mcp_initialize(message, *client, exchange),
            Becomes::SetLevel(level) => {
                if let Some(client) = self.mcp.as_mut().and_then(|mcp| mcp.client.as_mut()) {
                    client.log_level = level.into();
                }
                exchange.answer(message, b"{}");
            }
            Becomes::Nothing => refuse(message, &Error::no_method(name_of(message)), exchange),
        }
    }

    /// What a call is kept under that has this key.
    fn named(&self, key: &Key, plan: &Plan) -> Result<Named, Error> {
        let named = core::named(key.id(&self.identity), plan);
        let why = "the key can't be kept; nothing was sent";
        named.ok_or_else(|| Error::new(mcp::error::INTERNAL_ERROR, why))
    }

    /// What a legacy client said; none of a modern one, and before `initialize`.
    fn mcp_client(&self) -> Option<&Client> {
        self.mcp.as_ref().and_then(|mcp| mcp.client.as_ref())
    }
}

/// The key of a modern request. A legacy one is kept under its id, in its session.
fn key_of(request: &Request<'_>) -> Result<Option<Key>, Error> {
    match request.version.era() {
        Era::Modern => Key::of(request.params, &request.meta),
        Era::Legacy => Ok(None),
    }
}

/// Refuses a request with an error of the protocol.
fn refuse(message: &Message<'_>, error: &Error, exchange: &mut Exchange<'_>) {
    let details = format!("{{\"mcp\":{}}}", error.to_json());
    exchange.refuse_with(message, error.platform_code(), &error.message, Some(details.as_bytes()));
}

/// Sends a notification.
pub(super) fn tell(note: &Note, exchange: &mut Exchange<'_>) {
    let method = MethodName::Custom(Cow::Borrowed(&*note.method));
    exchange.send(&Outgoing::notification(method, note.params.as_bytes(), None));
}

/// The method as the protocol has it.
fn name_of<'a>(message: &'a Message<'_>) -> &'a str {
    match &message.method {
        Some(MethodName::Known(Method::Initialize)) => method::INITIALIZE,
        Some(MethodName::Known(Method::ToolList)) => method::TOOLS_LIST,
        Some(MethodName::Known(Method::ToolExecute)) => method::TOOLS_CALL,
        Some(MethodName::Known(Method::ToolCancel)) => method::CANCELLED,
        Some(method) => method.name(),
        None => "",
    }
}

fn asked<'a>(id: Option<mcp::Id<'a>>, method: Cow<'a, str>, params: &'a str) -> Message<'a> {
    let meta = mcp::Meta::of(params);
    Message {
        id,
        kind: if id.is_some() { Kind::Request } else { Kind::Notification },
        method: Some(core::method_name(method)),
        body: params,
        meta: Meta {
            traceparent: meta.traceparent,
            tracestate: meta.tracestate,
            timeout_ms: meta.timeout_ms,
        },
        seq: None,
    }
}

fn answered<'a>(kind: Kind, id: Option<mcp::Id<'a>>, body: &'a str) -> Message<'a> {
    Message { id, kind, method: None, body, meta: Meta::default(), seq: None }
}
