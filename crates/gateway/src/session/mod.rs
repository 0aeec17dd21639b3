//! The conversation on a connection: messages in, answers out, in the order that the design promises.
//! Knows neither sockets nor frames, and backends only through the router.

mod asker;
mod calls;
mod decisions;
mod events;
mod exchange;
mod feed;
mod followed;
mod forbidden;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod keep;
mod limited;
mod mcp;
mod methods;
mod open;
mod params;
mod pending;
pub(crate) mod progress;
mod report;
mod requests;
mod round;
mod signing;
mod standing;
mod state;
mod tail;
mod wanted;

pub(crate) use calls::caller;
pub(crate) use events::PUBLISH;
pub(crate) use exchange::{Close, Exchange, Outbox};
pub(crate) use open::reach;
pub(crate) use state::subscriptions_in;
pub(crate) use tail::{Line, Watch};

use crate::config::Demand;
use crate::limits::Allowance;
use crate::shard::{Delivery, Peer, Shard, Word};
use crate::sizes;
use crate::trace::{self, Upgrade};
use crate::wheel::Tick;
use crate::wire::Wire;
use auth::{Identity, Permit};
use calls::{Calls, Heeded};
use feed::Feed;
use followed::Followed;
use mcp::Mcp;
use pending::Pending;
use protocol::{
    CloseCode, ErrorCode, Kind, Message, Method, MethodName, Outgoing, Rejection, Signed, binary, text, zlib,
};
use signing::Signing;
use standing::Opened;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tail::Tail;
use uuid::Uuid;

sizes::at_most! {
    Opened: 112,
    // While there is something to keep in them.
    Feed: 96,
    Pending: 24,
    Calls: 256,
    Signing: 1_280,
}

/// The state of a conversation. Small while no call runs.
#[derive(Debug)]
pub(crate) struct Session {
    identity: Identity,
    /// The terms that it has looked at last.
    terms: u32,
    /// What the rules say of its tenant and agent, which no fresh token changes.
    permit: Permit,
    id: Uuid,
    /// The client takes deflated payloads.
    deflate: bool,
    /// The tick of the shard at which the token is past its grace; never if it has no end.
    expiry: Tick,
    /// What runs; none while nothing does.
    calls: Option<Box<Calls>>,
    /// What `initialize` opened.
    opened: Option<Box<Opened>>,
    /// The way through the tenant's log; none without subscriptions.
    feed: Option<Box<Feed>>,
    /// The question to the store that holds up the conversation.
    pending: Option<Pending>,
    /// How fast its client may ask; none where nothing is limited.
    allowance: Option<Box<Allowance>>,
    /// The key for signed messages; none where nobody signs, and before `initialize`.
    signing: Option<Box<Signing>>,
    /// What a client of Model Context Protocol has said; none of any other.
    mcp: Option<Box<Mcp>>,
    /// Who follows it; mostly nobody.
    followed: Option<Box<Followed>>,
    /// Messages of the client so far.
    messages: u64,
    /// Nobody but the client reads what is sent to it.
    is_private: bool,
    /// The client has closed the session: nothing of it outlives the connection.
    is_over: bool,
}

impl Session {
    /// The session of a token's holder, before `initialize`: anonymous and not resumable.
    pub(crate) fn new(
        identity: Identity,
        address: IpAddr,
        is_private: bool,
        upgrade: Option<Box<Upgrade>>,
        shard: &Shard,
    ) -> Self {
        let expiry = Self::expiry_of(&identity, shard);
        let terms = shard.terms();
        let allowance = terms.limits.allowance(&identity, address, Arc::default);
        Self {
            permit: terms.authorization.permit(&identity),
            terms: terms.number,
            identity,
            id: Uuid::now_v7(),
            deflate: false,
            expiry,
            calls: None,
            opened: None,
            feed: None,
            pending: None,
            allowance,
            signing: None,
            mcp: None,
            followed: upgrade.map(|upgrade| Box::new(Followed { upgrade: Some(*upgrade), tail: None })),
            messages: 0,
            is_private,
            is_over: false,
        }
    }

    /// Looks at the terms that hold now, if they are others than before.
    #[inline]
    fn look_at_terms(&mut self, exchange: &Exchange<'_>) {
        let terms = exchange.shard.terms();
        if terms.number != self.terms {
            self.terms = terms.number;
            self.permit = terms.authorization.permit(&self.identity);
            self.allowance = exchange.peer.address().and_then(|address| {
                terms.limits.renewed_allowance(self.allowance.take(), &self.identity, address)
            });
        }
    }

    fn expiry_of(identity: &Identity, shard: &Shard) -> Tick {
        let Some(expires_at) = identity.expires_at() else { return Tick::NEVER };
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let left = expires_at.saturating_sub(now).saturating_add(shard.terms().config.auth.grace_s);
        shard.now().after(left.saturating_mul(1_000))
    }

    /// The tick from which the token counts no more.
    pub(crate) const fn expiry(&self) -> Tick {
        self.expiry
    }

    /// Why whoever holds it is not recognised any more; none if they still are.
    pub(crate) fn disowned(&self, shard: &Shard) -> Option<&'static str> {
        shard.disowned(&self.identity)
    }

    /// Whoever watches its messages.
    pub(crate) fn tail(&self) -> Option<Rc<Tail>> {
        self.followed.as_ref()?.tail.clone()
    }

    /// Whether payloads are deflated for this client.
    pub(crate) const fn deflates(&self) -> bool {
        self.deflate
    }

    /// Whether no call runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.calls.as_ref().is_none_or(|calls| calls.only_listens())
    }

    /// Whether the space of calls is kept though none runs, for the next one.
    pub(crate) fn could_rest(&self) -> bool {
        self.calls.as_ref().is_some_and(|calls| calls.is_empty())
    }

    /// Gives the space of calls back if none runs.
    pub(crate) fn rest(&mut self) {
        self.calls.take_if(|calls| calls.is_empty());
    }

    /// A text frame. Its messages are handled until too much is unsent; see [`Exchange::unfinished`].
    pub(crate) fn text(&mut self, text: &str, exchange: &mut Exchange<'_>) -> Result<(), Close> {
        self.look_at_terms(exchange);
        if exchange.outbox.wire == Wire::Mcp {
            return self.mcp_text(text, exchange);
        }
        if exchange.outbox.is_binary() {
            return Err(Close::new(CloseCode::Unsupported, "mcp.v1.binary has no text frames"));
        }
        let mut outcome = Ok(());
        let terms = exchange.shard.terms();
        let limits = terms.messages;
        if terms.config.security.hmac_signatures == Demand::Off {
            text::decode(text, &limits, |message| self.next(message, None, &mut outcome, exchange));
        } else {
            text::decode_signed(text, &limits, |message, signed| {
                self.next(message, signed, &mut outcome, exchange);
            });
        }
        outcome
    }

    /// A binary frame, handled as a text frame is: messages of `mcp.v1.binary`, or the zlib of a text.
    pub(crate) fn binary(&mut self, frame: &[u8], exchange: &mut Exchange<'_>) -> Result<(), Close> {
        self.look_at_terms(exchange);
        if exchange.outbox.wire == Wire::Mcp {
            return Err(Self::mcp_binary());
        }
        let mut inflated = std::mem::take(exchange.inflated());
        inflated.clear();
        let outcome = if exchange.outbox.is_binary() {
            let mut outcome = Ok(());
            let terms = exchange.shard.terms();
            let limits = terms.messages;
            if terms.config.security.hmac_signatures == Demand::Off {
                binary::decode(frame, &mut inflated, &limits, |message| {
                    self.next(message, None, &mut outcome, exchange);
                });
            } else {
                binary::decode_signed(frame, &mut inflated, &limits, |message, signed| {
                    self.next(message, signed, &mut outcome, exchange);
                });
            }
            outcome
        } else if self.deflate {
            self.inflate(frame, &mut inflated, exchange)
        } else {
            Err(Close::new(
                CloseCode::Unsupported,
                "mcp.v1 has binary frames only after initialize with \"compression\":[\"deflate\"]",
            ))
        };
        exchange.return_inflated(inflated);
        outcome
    }

    fn inflate(
        &mut self,
        frame: &[u8],
        inflated: &mut Vec<u8>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        let limit = exchange.shard.terms().messages.inflated_bytes;
        let problem = match zlib::inflate(frame, limit, inflated) {
            Ok(()) => match std::str::from_utf8(inflated) {
                Ok(text) => return self.text(text, exchange),
                Err(_) => (ErrorCode::InvalidMessage, "the inflated text is not UTF-8".to_owned()),
            },
            Err(zlib::InflateError::TooLarge) => (
                ErrorCode::TooLarge,
                format!("the frame inflates to more than max_message_size, {limit} bytes"),
            ),
            Err(error) => (ErrorCode::InvalidMessage, error.to_string()),
        };
        exchange.fail(None, 0, problem.0, &problem.1);
        Ok(())
    }

    /// The next message of a frame, if it is to be handled now.
    #[inline(always)]
    fn next(
        &mut self,
        message: Result<Message<'_>, Rejection<'_>>,
        signed: Option<Signed<'_>>,
        outcome: &mut Result<(), Close>,
        exchange: &mut Exchange<'_>,
    ) {
        if outcome.is_ok() && exchange.has_turn(self.is_held_up()) {
            *outcome = self.message(message, signed.as_ref(), exchange);
        }
    }

    /// One message, in the order sent, and the signature that it stands under.
    fn message(
        &mut self,
        message: Result<Message<'_>, Rejection<'_>>,
        signed: Option<&Signed<'_>>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        self.messages += 1;
        if let Some(tail) = self.followed.as_ref().and_then(|followed| followed.tail.as_ref()) {
            tail.received(&message);
        }
        if exchange.shard.pod.tracer.is_on() {
            self.traced(message, signed, exchange)?;
        } else {
            self.take(message, signed, exchange)?;
        }
        if self.is_waiting() { self.ask_at_once(exchange) } else { Ok(()) }
    }

    /// The same, as a span. Whoever ends the message later has taken it from the exchange.
    fn traced(
        &mut self,
        message: Result<Message<'_>, Rejection<'_>>,
        signed: Option<&Signed<'_>>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        let Ok(asked) = &message else { return self.take(message, signed, exchange) };
        if !matches!(asked.kind, Kind::Request | Kind::Notification) {
            return self.take(message, signed, exchange);
        }
        let method = trace::method_name(asked.method.as_ref());
        let open = {
            let upgrade = self.followed.as_mut().and_then(|followed| followed.upgrade.as_mut());
            Upgrade::message(upgrade, &asked.meta, &exchange.shard.pod.tracer)
        };
        exchange.span.set(Some(open));
        exchange.failed.set(None);
        let taken = self.take(message, signed, exchange);
        if let Some(open) = exchange.span.take() {
            if self.is_waiting() {
                self.ask_for(open, method, exchange);
            } else {
                exchange.end_span(open, method);
            }
        }
        taken
    }

    fn take(
        &mut self,
        message: Result<Message<'_>, Rejection<'_>>,
        signed: Option<&Signed<'_>>,
        exchange: &mut Exchange<'_>,
    ) -> Result<(), Close> {
        // Before the limits: the first message of a batch brings its signature, and may be over one.
        let judged = self.judge(&message, signed, exchange);
        if self.is_over_limit(&message, exchange)? {
            return Ok(());
        }
        if let Err(why) = judged {
            self.refuse_unsigned(&message, signed, why, exchange);
            return Ok(());
        }
        let message = match message {
            Ok(message) => message,
            Err(rejection) => {
                exchange.fail(rejection.id, rejection.method_code, rejection.code, &rejection.message);
                return Ok(());
            }
        };
        let known = match &message.method {
            Some(MethodName::Known(method)) => Some(*method),
            _ => None,
        };
        exchange.shard.counters.received(message.kind, known);
        match message.kind {
            Kind::Request | Kind::Notification if let Err(why) = self.may_ask(&message) => {
                // What a client calls a method of a backend is its own affair.
                let what = known.map_or("a method of a backend", Method::name);
                self.forbid(&message, what, &why, exchange);
            }
            _ if exchange.outbox.wire == Wire::Mcp => self.mcp_take(&message, exchange),
            Kind::Request | Kind::Notification => match known {
                Some(Method::Echo) => exchange.answer(&message, message.body.as_bytes()),
                Some(Method::ToolExecute) => self.execute(&message, exchange),
                Some(Method::ToolList) => self.list_tools(&message, exchange),
                Some(Method::ToolCancel) => self.cancel(&message, exchange),
                Some(Method::Initialize) => self.initialize(&message, exchange),
                Some(Method::SessionRefresh) => return self.refresh(&message, exchange),
                Some(Method::EventSubscribe) => self.subscribe(&message, exchange),
                Some(Method::EventUnsubscribe) => self.unsubscribe(&message, exchange),
                Some(Method::EventPublish) => self.publish(&message, exchange),
                Some(Method::SessionClose) => {
                    self.is_over = true;
                    exchange.answer(&message, b"{}");
                    return Err(Close::new(CloseCode::Normal, "the session was closed"));
                }
                _ => self.custom(&message, exchange),
            },
            Kind::Ping => exchange.send(&Outgoing::pong(message.id)),
            // Nothing was asked of the client, so there is nothing that it could answer.
            Kind::Pong | Kind::Response | Kind::Error => {}
        }
        Ok(())
    }

    /// What was left for the session since it was last looked at.
    pub(crate) fn deliver(
        &mut self,
        delivery: Delivery,
        exchange: &mut Exchange<'_>,
        now: Instant,
    ) -> Result<(), Close> {
        let calls = self.calls.as_mut();
        match delivery {
            Delivery::Event { tag, event } => {
                let kept = calls.and_then(|calls| calls.deliver(tag, event, exchange, now));
                self.answered(kept, exchange);
            }
            Delivery::Word { tag, word } => {
                match calls.map_or(Heeded::Nothing, |calls| calls.heed(tag, word, exchange, now)) {
                    Heeded::Nothing => {}
                    Heeded::Answered(request) => self.answered(Some(request), exchange),
                    Heeded::Unasked => self.doubt(exchange),
                    Heeded::Stale => return Err(taken_over()),
                }
            }
            Delivery::Ended(request) => {
                if let Some(calls) = calls {
                    calls.ended(&request);
                }
            }
            Delivery::Verified(verified) => return self.verified(verified, exchange),
            Delivery::Changed(changed) => self.mcp_changed(changed, exchange),
            Delivery::Note(note) => self.mcp_note(&note, exchange),
        }
        Ok(())
    }

    /// Writes events that the session subscribed to. `Ready` if there are no more.
    pub(crate) fn pump(&mut self, cx: &mut Context<'_>, outbox: &mut Outbox<'_>) -> Poll<()> {
        self.feed.as_mut().map_or(Poll::Ready(()), |feed| feed.pump(cx, outbox))
    }

    /// Whether the session goes on elsewhere when this connection ends.
    pub(crate) fn is_resumable(&self) -> bool {
        !self.is_over && self.opened.as_ref().is_some_and(|opened| opened.is_resumable())
    }

    /// The client has closed the connection as done. One of Model Context Protocol has no other word for the end of its
    /// session.
    pub(crate) fn dismissed(&mut self) {
        self.is_over |= self.mcp.is_some();
    }

    /// The pod drains: the client is told to go on elsewhere.
    pub(crate) fn migrate(&self, outbox: &mut Outbox<'_>, delay_ms: u64) {
        let params = format!("{{\"reason\":\"draining\",\"reconnect_after_ms\":{delay_ms}}}");
        outbox.send(&Outgoing::notification(Method::SessionMigrate, params.as_bytes(), None));
    }

    /// The connection is over. What cannot outlive it is cancelled, the rest goes on without it.
    pub(crate) fn end(&mut self, peer: &Peer, shard: &Rc<Shard>) {
        (self.feed, self.pending, self.mcp) = (None, None, None);
        if let Some(followed) = &mut self.followed {
            followed.tail = None;
        }
        for delivery in peer.take_inbox().unwrap_or_default() {
            if let Delivery::Word { word: Word::Unasked(order), .. } = delivery {
                // Nobody is there to decide, so it is not run.
                shard.withdraw(&order);
            }
        }
        if let Some(mut calls) = self.calls.take() {
            calls.leave(peer, shard, self.is_over);
        }
        self.part(peer.key(), shard);
    }

    /// The connection is gone, after a close frame with this code or without one.
    pub(crate) fn end_span(&mut self, peer: &Peer, close: Option<CloseCode>, shard: &Shard) {
        if let Some(upgrade) = self.followed.take().and_then(|followed| followed.upgrade) {
            upgrade.end(&shard.pod, peer.id(), &self.identity, close.map(CloseCode::as_u16));
        }
    }
}

/// The session is held by another connection.
pub(crate) fn taken_over() -> Close {
    Close::new(CloseCode::TakenOver, "the session goes on at another connection")
}
