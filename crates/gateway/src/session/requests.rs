//! Requests that backends answer: what was asked is checked here, then handed to the running calls.

use super::Session;
use super::asker::Asker;
use super::calls::{Calls, Spoken, Waits};
use super::exchange::Exchange;
use super::params::{Mistake, Params};
use crate::kept::Named;
use crate::mcp::Shape;
use crate::measure;
use crate::outcome;
use protocol::{ErrorCode, Id, Message, Method};
use router::Handler;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

/// What a client asked a backend for.
pub(super) struct Asked<'a> {
    pub(super) handler: &'a Arc<Handler>,
    pub(super) method: &'a str,
    pub(super) params: &'a str,
    pub(super) context: Option<Cow<'a, str>>,
    pub(super) timeout: Option<Duration>,
    /// How what comes of it becomes messages of Model Context Protocol.
    pub(super) shape: Option<&'a Shape>,
    /// What a legacy client of that can be asked for.
    pub(super) capabilities: Option<Box<str>>,
}

impl Asked<'_> {
    /// What a call of Model Context Protocol keeps of it.
    pub(super) fn spoken(&self) -> Option<Box<Spoken>> {
        self.shape.map(|shape| Box::new(Spoken::new(shape, self)))
    }
}

impl Session {
    /// `tool.execute`.
    pub(super) fn execute(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let table = exchange.shard.router.table();
        let parsed = Params::of(request.body).and_then(|params| {
            let [tool, args, timeout, context] = params.pick(["tool", "args", "timeout_ms", "context_id"]);
            let tool = tool.required_text()?;
            Ok((tool, args.raw.unwrap_or("{}"), timeout.positive()?, context.text()?))
        });
        let (tool, args, timeout_ms, context) = match parsed {
            Ok(parsed) => parsed,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let Some(handler) = table.tool(&tool) else {
            measure::not_found(exchange.shard);
            let name: String = tool.chars().take(128).collect();
            return exchange.refuse(
                request,
                ErrorCode::NotFound,
                &format!("no tool is named {name:?}; tool.list names those that there are"),
            );
        };
        let timeout = timeout_ms.or(request.meta.timeout_ms).map(Duration::from_millis);
        let method = Method::ToolExecute.name();
        let asked =
            Asked { handler, method, params: args, context, timeout, shape: None, capabilities: None };
        self.call(request, &asked, exchange);
    }

    /// A method that a backend registered.
    pub(super) fn custom(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let method = request.method.as_ref().map_or("", |method| method.name());
        let table = exchange.shard.router.table();
        let Some(handler) = table.method(method) else {
            let name: String = method.chars().take(128).collect();
            return exchange.refuse(
                request,
                ErrorCode::MethodNotFound,
                &format!("no method is named {name:?}, neither of the gateway nor of a backend"),
            );
        };
        let names: &[&str] =
            if method.starts_with("context.") { &["context_id", "id"] } else { &["context_id"] };
        let context = match Params::of(request.body) {
            Ok(params) => context_of(&params, names),
            // Other shapes are the handler's to judge.
            Err(_) => Ok(None),
        };
        let context = match context {
            Ok(context) => context,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let timeout = request.meta.timeout_ms.map(Duration::from_millis);
        let params = request.body;
        let asked = Asked { handler, method, params, context, timeout, shape: None, capabilities: None };
        self.call(request, &asked, exchange);
    }

    /// Whether the caller may ask this, and now; it is told if not.
    fn may_call(&self, request: &Message<'_>, asked: &Asked<'_>, exchange: &mut Exchange<'_>) -> bool {
        if let Err(why) = self.access().to(asked.handler) {
            measure::refused(exchange.shard, asked.handler, ErrorCode::Forbidden);
            self.forbid(request, &asked.handler.name, &why, exchange);
            return false;
        }
        if exchange.draining {
            measure::refused(exchange.shard, asked.handler, ErrorCode::BackendUnavailable);
            send_elsewhere(request, exchange);
            return false;
        }
        true
    }

    /// A call that its client has named by a key: it outlives the connection, and is found by whoever sends it again.
    pub(super) fn call_named(
        &mut self,
        request: &Message<'_>,
        asked: &Asked<'_>,
        named: &Named,
        exchange: &mut Exchange<'_>,
    ) {
        if !self.may_call(request, asked, exchange) {
            return;
        }
        let most = exchange.shard.terms().config.websocket.max_in_flight;
        let (standing, asker) = (self.standing(), Asker::of(request));
        let calls = self.calls.get_or_insert_with(|| Box::new(Calls::new(&self.identity, self.id, standing)));
        let begun = calls
            .room(&asker, most)
            .and_then(|()| calls.begin_named(asker, request, asked, (&self.identity, named), exchange));
        if let Err(failure) = begun {
            measure::refused(exchange.shard, asked.handler, failure.code);
            exchange.refuse(request, failure.code, &failure.message);
        }
    }

    pub(super) fn call(&mut self, request: &Message<'_>, asked: &Asked<'_>, exchange: &mut Exchange<'_>) {
        if !self.may_call(request, asked, exchange) {
            return;
        }
        let most = exchange.shard.terms().config.websocket.max_in_flight;
        let asker = Asker::of(request);
        let sent = self.sent_before(&asker);
        let was_sent = sent.is_some();
        if was_sent && self.is_doubtful() && !asked.handler.annotations.may_repeat() {
            let failure = outcome::unknown("the session that it was sent in is gone");
            measure::refused(exchange.shard, asked.handler, failure.code);
            return exchange.refuse(request, failure.code, &failure.message);
        }
        let standing = self.standing();
        let calls = self.calls.get_or_insert_with(|| Box::new(Calls::new(&self.identity, self.id, standing)));
        let most = if was_sent { usize::MAX } else { most };
        let refused = match calls.room(&asker, most) {
            Ok(()) => calls.begin(asker, request, asked, sent, exchange),
            Err(failure) => Some(failure),
        };
        if let Some(failure) = refused {
            measure::refused(exchange.shard, asked.handler, failure.code);
            exchange.refuse(request, failure.code, &failure.message);
        }
    }

    /// Starts what is answered beside the conversation, by a task that is given the tag of its answer.
    pub(super) fn begin_with(
        &mut self,
        request: &Message<'_>,
        shape: Shape,
        exchange: &mut Exchange<'_>,
        start: impl FnOnce(u64) -> Waits,
    ) {
        if exchange.draining {
            return send_elsewhere(request, exchange);
        }
        let most = exchange.shard.terms().config.websocket.max_in_flight;
        let standing = self.standing();
        let calls = self.calls.get_or_insert_with(|| Box::new(Calls::new(&self.identity, self.id, standing)));
        let asker = Asker::of(request);
        match calls.room(&asker, most) {
            Ok(()) => calls.begin_waiting(asker, shape, exchange, start),
            Err(failure) => exchange.refuse(request, failure.code, &failure.message),
        }
    }

    /// `tool.cancel`: the request that it names is answered with 4008.
    pub(super) fn cancel(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let target = Params::of(request.body).and_then(|params| {
            let right = "the id of the request to cancel, as it was sent";
            let Some(id) = params.raw("id") else {
                return Err(format!("params.id is missing: {right} is needed").into());
            };
            let is_id = id.starts_with('"') || id.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            if is_id { Ok(id) } else { Err(format!("params.id is no id: {right} is needed").into()) }
        });
        let target = match target {
            Ok(target) => target,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let key = Id::Token(target).canonical();
        let (cancelled, kept) =
            self.calls.as_mut().map_or((false, None), |calls| calls.cancel(&key, exchange));
        self.answered(kept, exchange);
        let result: &[u8] = if cancelled { b"{\"cancelled\":true}" } else { b"{\"cancelled\":false}" };
        exchange.answer(request, result);
    }
}

/// A pod that drains begins nothing more: by the details a client tells that another pod will.
fn send_elsewhere(request: &Message<'_>, exchange: &mut Exchange<'_>) {
    exchange.refuse_with(
        request,
        ErrorCode::BackendUnavailable,
        "this pod drains and takes no more calls: reconnect and send it again; nothing was sent",
        Some(b"{\"draining\":true}"),
    );
}

/// The context that a call is about, by the first of these members that is there.
fn context_of<'a>(params: &Params<'a>, names: &[&'static str]) -> Result<Option<Cow<'a, str>>, Mistake> {
    for name in names {
        if let Some(text) = params.text(name)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}
