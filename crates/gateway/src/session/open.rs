//! `initialize`: opens a session, or takes one up again where another connection left it.

use super::asker::Asker;
use super::calls::Calls;
use super::feed::Feed;
use super::mcp::Opens;
use super::params::{Mistake, Params};
use super::pending::Then;
use super::signing::{FreshKey, Handout};
use super::standing::{Opened, Standing};
use super::state::State;
use super::wanted::{Unanswered, Wanted};
use super::{Close, Exchange, Session, round};
use crate::audit::Event;
use crate::fanout::{Filter, Log};
use crate::mail::Letter;
use crate::mcp::Shape;
use crate::shard::{Held, Shard};
use auth::Identity;
use protocol::{CloseCode, ErrorCode, Message, Method};
use serde::Serialize;
use serde_json::value::RawValue;
use session_store::{
    Channel as _, Entry, Epoch, Error, EventLog as _, Journal as _, NewSession, Page, Position, ReadLimit,
    Refusal, ResumeToken, Resumed, SessionId, Sessions as _,
};
use std::rc::Rc;

/// The answer to `initialize`.
#[derive(Serialize)]
struct Initialized<'a> {
    session_id: uuid::Uuid,
    /// Whether the session can be resumed on another connection.
    resumable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    resume_token: Option<&'a str>,
    resumed: bool,
    recovered: bool,
    server: Server,
    tenant: &'a str,
    agent: &'a str,
    compression: &'a [&'a str],
    limits: Limits,
    resume_window_ms: u64,
    heartbeat_ms: u64,
    subscriptions: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    log_epoch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_offset: Option<u64>,
    resend: Vec<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signing: Option<&'a Handout>,
}

#[derive(Serialize)]
struct Server {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Limits {
    max_message_size: usize,
    max_frame_size: usize,
    message_batch_size: usize,
    max_in_flight: usize,
    max_json_depth: usize,
    max_timeout_ms: u64,
    compression_threshold: usize,
    max_subscriptions: usize,
    max_event_bytes: usize,
}

/// The session as it is opened.
pub(super) struct Opening {
    id: SessionId,
    opened: Opened,
    /// None if it can't be resumed.
    token: Option<ResumeToken>,
    resumed: bool,
    recovered: bool,
    feed: Option<(Filter, Position, Rc<Log>)>,
    /// What the journal has of each unanswered request, in their order.
    known: Vec<Option<Entry>>,
}

/// Why a session is not opened.
pub(super) enum Refused {
    /// The resume is not the client's to make; it is told no more.
    Resume(Refusal),
    /// The store is out of reach, and so is the session.
    Store(Error),
}

impl Session {
    pub(super) fn initialize(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        if let Err((code, message)) = self.try_initialize(request, exchange) {
            exchange.refuse(request, code, &message);
        }
    }

    fn try_initialize(
        &mut self,
        request: &Message<'_>,
        exchange: &Exchange<'_>,
    ) -> Result<(), (ErrorCode, Mistake)> {
        let wrong = |mistake| (ErrorCode::InvalidParams, mistake);
        let params = Params::of(request.body).map_err(wrong)?;
        if self.opened.is_some() {
            return Err(wrong("this connection is initialized already: initialize comes once".into()));
        }
        let key = self.fresh_key(exchange)?;
        let terms = exchange.shard.terms();
        let config = &terms.config;
        let compression = params.texts("compression").map_err(wrong)?;
        let deflate = config.compression.enabled && compression.iter().any(|name| name == "deflate");
        let wanted = params
            .raw("resume")
            .map(|resume| Wanted::read(resume, config.session.max_unanswered))
            .transpose()
            .map_err(wrong)?;
        if let Some(token) = params.secret("token").map_err(wrong)? {
            self.replace_identity(&token, exchange)
                .map_err(|refused| (ErrorCode::AuthenticationFailed, refused))?;
        }
        tracing::debug!(
            connection = exchange.peer.id(),
            session = %self.id,
            tenant = self.identity.tenant(),
            agent = self.identity.agent(),
            client = params.raw("client"),
            resumes = wanted.as_ref().is_some_and(|wanted| wanted.session.is_some()),
            "initialize"
        );
        let shard = Rc::clone(exchange.shard);
        let (id, identity, asker) = (SessionId(self.id), self.identity.clone(), Asker::of(request));
        self.wait_for(async move {
            let (opening, unanswered) = open(&shard, id, &identity, wanted).await;
            Box::new(move |session: &mut Self, exchange: &mut Exchange<'_>| match opening {
                Ok(opening) => {
                    session.take_up(opening, &unanswered, &asker, deflate, key, exchange);
                    Ok(())
                }
                Err(refused) => Err(session.refuse_opening(refused, &asker, exchange)),
            }) as Then
        });
        Ok(())
    }

    /// The session begins, or goes on.
    fn take_up(
        &mut self,
        opening: Opening,
        unanswered: &[Unanswered],
        asker: &Asker,
        deflate: bool,
        key: Option<FreshKey>,
        exchange: &mut Exchange<'_>,
    ) {
        self.id = opening.id.0;
        let result = self.greeting(&opening, unanswered, deflate, key.as_ref(), exchange);
        exchange.reply(asker, Ok(&result));
        self.signing = key.map(|(signing, _)| signing);
        if deflate {
            self.deflate = true;
            exchange.enable_deflate();
        }
        self.go_on(opening, unanswered, exchange);
    }

    /// The same for a client of Model Context Protocol, whose subscriptions are its own affair.
    pub(super) fn mcp_take_up(
        &mut self,
        opening: Opening,
        unanswered: &[Unanswered],
        asker: &Asker,
        exchange: &mut Exchange<'_>,
    ) {
        self.id = opening.id.0;
        let token = opening.token.as_ref().map(ResumeToken::reveal);
        let opens = Opens {
            session: self.id,
            token: token.as_deref(),
            window_ms: exchange.shard.terms().config.session.resume_window_ms,
            resumed: opening.resumed,
            resend: opening.resend(unanswered).map(RawValue::get).collect(),
        };
        let result = self.mcp_initialized(&opens, exchange).unwrap_or_default();
        exchange.reply(asker, Ok(result.as_bytes()));
        self.go_on(Opening { feed: None, ..opening }, unanswered, exchange);
    }

    /// The answer to `initialize`.
    fn greeting(
        &self,
        opening: &Opening,
        unanswered: &[Unanswered],
        deflate: bool,
        key: Option<&FreshKey>,
        exchange: &Exchange<'_>,
    ) -> Vec<u8> {
        let Opening { token, resumed, recovered, feed, .. } = opening;
        let terms = exchange.shard.terms();
        let config = &terms.config;
        let websocket = &config.websocket;
        let revealed = token.as_ref().map(ResumeToken::reveal);
        let result = serde_json::to_vec(&Initialized {
            session_id: self.id,
            resumable: token.is_some(),
            resume_token: revealed.as_deref(),
            resumed: *resumed,
            recovered: *recovered,
            server: Server { name: "mcpw", version: env!("CARGO_PKG_VERSION") },
            tenant: self.identity.tenant(),
            agent: self.identity.agent(),
            compression: if deflate { &["deflate"] } else { &[] },
            limits: Limits {
                max_message_size: websocket.max_message_size,
                max_frame_size: websocket.max_frame_size,
                message_batch_size: websocket.message_batch_size,
                max_in_flight: websocket.max_in_flight,
                max_json_depth: websocket.max_json_depth,
                max_timeout_ms: config.router.max_timeout_ms,
                compression_threshold: config.compression.threshold,
                max_subscriptions: config.events.max_subscriptions,
                max_event_bytes: config.store.bounds.event_bytes,
            },
            resume_window_ms: if token.is_some() { config.session.resume_window_ms } else { 0 },
            heartbeat_ms: websocket.ping_interval_ms,
            subscriptions: feed.as_ref().map_or(&[], |(filter, ..)| filter.names()),
            log_epoch: feed.as_ref().map(|(_, position, _)| position.epoch.to_string()),
            last_offset: feed.as_ref().map(|(_, position, _)| position.offset.0),
            resend: opening.resend(unanswered).collect(),
            signing: key.map(|(_, handout)| handout),
        });
        // Names and numbers can always be written.
        result.unwrap_or_default()
    }

    /// The conversation goes on as that of this session.
    fn go_on(&mut self, opening: Opening, unanswered: &[Unanswered], exchange: &mut Exchange<'_>) {
        let Opening { id, mut opened, resumed, recovered, feed, known, .. } = opening;
        let sent = |request: &Unanswered| (request.canonical.clone(), request.round.unwrap_or(0));
        opened.unanswered = (!unanswered.is_empty()).then(|| Box::new(unanswered.iter().map(sent).collect()));
        let shard = Rc::clone(exchange.shard);
        shard.hold(id, Held { peer: exchange.peer.key(), epoch: opened.epoch });
        if let Some((filter, position, log)) = feed {
            self.feed = Some(Box::new(Feed::new(filter, position, log, exchange.peer, &shard)));
        }
        tracing::debug!(
            connection = exchange.peer.id(),
            session = %self.id,
            resumed,
            recovered,
            resumable = opened.is_resumable(),
            "initialized"
        );
        if let Some(calls) = &mut self.calls {
            calls.adopt(&self.identity, self.id, (opened.epoch, opened.standing));
        }
        if !opened.is_resumable() {
            Self::verify_when_up(exchange);
        }
        self.opened = Some(Box::new(opened));
        // One that has asked for input goes on when it is sent again: nobody else knows what was asked.
        let answered = unanswered.iter().zip(known).filter(|(request, _)| request.round.is_none());
        for (request, entry) in answered.filter_map(|(request, entry)| Some((request, entry?))) {
            self.recall(&request.canonical, entry, exchange);
        }
    }

    /// Answers, or waits for the answer of, a request that was named unanswered.
    fn recall(&mut self, request: &str, entry: Entry, exchange: &mut Exchange<'_>) {
        let (standing, shape) = (self.standing(), self.mcp_version().map(Shape::bare));
        let calls = self.calls.get_or_insert_with(|| Box::new(Calls::new(&self.identity, self.id, standing)));
        let kept = calls.recall(request, entry, shape, exchange);
        self.answered(kept, exchange);
    }

    pub(super) fn refuse_opening(
        &self,
        refused: Refused,
        asker: &Asker,
        exchange: &mut Exchange<'_>,
    ) -> Close {
        match refused {
            Refused::Resume(refusal) => {
                let (outcome, reason) = match refusal {
                    Refusal::Unknown => (metrics::Resume::Unknown, "unknown"),
                    Refusal::Foreign => (metrics::Resume::Foreign, "foreign"),
                    Refusal::Token => (metrics::Resume::Token, "token"),
                    Refusal::Late => (metrics::Resume::Late, "late"),
                };
                exchange.shard.counters.resume(outcome);
                let entry = || self.decision(Event::ResumeRefused, exchange.peer).reason(reason);
                exchange.shard.pod.audit.tell(entry);
                tracing::warn!(
                    connection = exchange.peer.id(),
                    tenant = self.identity.tenant(),
                    agent = self.identity.agent(),
                    reason,
                    "a resume was refused"
                );
                let message = "the resume was refused: the session is another's, or the resume token is not its latest; \
                               open a session without resume";
                exchange.reply(asker, Err((ErrorCode::AuthenticationFailed, message)));
                Close::new(CloseCode::Unauthorized, "the resume was refused")
            }
            Refused::Store(error) => {
                exchange.shard.counters.resume(metrics::Resume::Unavailable);
                tracing::info!(
                    connection = exchange.peer.id(),
                    tenant = self.identity.tenant(),
                    agent = self.identity.agent(),
                    %error,
                    "a session could not be resumed"
                );
                let message = "the store of sessions is out of reach here: resume later, or at another pod";
                exchange.reply(asker, Err((ErrorCode::BackendUnavailable, message)));
                Close::new(CloseCode::Overloaded, "the store of sessions is out of reach: come back later")
            }
        }
    }
}

impl Opening {
    /// What of the unanswered is to be sent again: the journal does not know it, or it has asked for input.
    fn resend<'a>(&'a self, unanswered: &'a [Unanswered]) -> impl Iterator<Item = &'a RawValue> {
        let is_known = |at: usize| self.known.get(at).is_some_and(Option::is_some);
        let unknown = unanswered
            .iter()
            .enumerate()
            .filter(move |(at, request)| !is_known(*at) || request.round.is_some());
        unknown.map(|(_, request)| &*request.token)
    }
}

/// Asks the store for the session that is wanted, or for a fresh one.
pub(super) async fn open(
    shard: &Rc<Shard>,
    fresh: SessionId,
    identity: &Identity,
    wanted: Option<Wanted>,
) -> (Result<Opening, Refused>, Vec<Unanswered>) {
    let Some(mut wanted) = wanted else {
        return (Ok(create(shard, fresh, identity).await), Vec::new());
    };
    let resumed = resume(shard, identity, &mut wanted).await;
    let Wanted { session, unanswered, .. } = wanted;
    let opening = match resumed {
        Ok(Some(opening)) => Ok(opening),
        Ok(None) => {
            if session.is_some() {
                shard.counters.resume(metrics::Resume::Unknown);
            }
            let mut opening = create(shard, fresh, identity).await;
            opening.opened.is_doubtful = !unanswered.is_empty();
            Ok(opening)
        }
        Err(refused) => Err(refused),
    };
    (opening, unanswered)
}

async fn create(shard: &Rc<Shard>, id: SessionId, identity: &Identity) -> Opening {
    let token = ResumeToken::fresh();
    let created = match &token {
        Ok(token) => {
            let new = NewSession {
                id,
                tenant: identity.tenant(),
                agent: identity.agent(),
                token: token.hash(id),
                pod: &shard.pod.id,
                state: &[],
            };
            shard.store.create(new).await
        }
        Err(error) => Err(error.clone()),
    };
    let (epoch, standing) = match created {
        Ok(epoch) => (epoch, Standing::Journalled),
        Err(error) => {
            tracing::debug!(session = %id, %error, "a session is not resumable");
            (Epoch(1), Standing::Alone)
        }
    };
    let token = token.ok().filter(|_| standing == Standing::Journalled);
    Opening {
        id,
        opened: Opened::new(epoch, standing, token.as_ref().map(|token| token.hash(id)), shard),
        token,
        resumed: false,
        recovered: false,
        feed: None,
        known: Vec::new(),
    }
}

/// The session, taken over from wherever it was; `None` if there is none.
async fn resume(
    shard: &Rc<Shard>,
    identity: &Identity,
    wanted: &mut Wanted,
) -> Result<Option<Opening>, Refused> {
    let Wanted { session: Some((id, presented)), attempt, position, unanswered, has_rounds } = wanted else {
        return Ok(None);
    };
    let (id, position) = (*id, *position);
    let next = match attempt {
        Some(attempt) => presented.next(&attempt.name),
        None => ResumeToken::fresh().map_err(Refused::Store)?,
    };
    let asked = session_store::Resume {
        id,
        tenant: identity.tenant(),
        agent: identity.agent(),
        presented: presented.hash(id),
        next: next.hash(id),
        turn: attempt.as_ref().map_or(1, |attempt| attempt.turn),
        pod: &shard.pod.id,
    };
    let (epoch, previous, state) = match shard.store.resume(asked).await.map_err(Refused::Store)? {
        Resumed::Taken { epoch, previous, state, .. } => (epoch, previous, state),
        Resumed::Refused(Refusal::Unknown) => return Ok(None),
        Resumed::Refused(refusal) => return Err(Refused::Resume(refusal)),
    };
    let letter = Letter::taken(id, epoch);
    shard.tell_all(&letter);
    if previous != shard.pod.id {
        shard.counters.session_moves.increment();
        // A pod that does not hear it finds out at its next write.
        let _ = shard.store.send(&previous, &letter.encode()).await;
    }
    let ids: Vec<&str> = unanswered.iter().map(|request| &*request.canonical).collect();
    let mut known = shard.store.lookup(id, &ids).await.map_err(Refused::Store)?;
    if *has_rounds {
        round::follow(shard, id, unanswered, &mut known).await.map_err(Refused::Store)?;
    }
    let rounds = round::names(unanswered);
    let rounds: Vec<&str> = rounds.iter().map(|name| &**name).collect();
    // The client has the answers of all others.
    shard.store.acknowledge_all_but(id, epoch, &rounds).await.map_err(Refused::Store)?;
    // What was subscribed to under other rules ends with them.
    let may_subscribe =
        shard.terms().authorization.permit(identity).check_method(Method::EventSubscribe.name()).is_ok();
    let state = State::read(&state).filter(|_| may_subscribe);
    let mut recovered = true;
    let mut feed = None;
    if let Some(state) = state {
        let log = shard.logs.open(identity.tenant());
        let wanted = position.unwrap_or(state.position);
        let cursor = reach(shard, identity.tenant(), wanted).await.map_err(Refused::Store)?;
        recovered = cursor == wanted;
        feed = Some((state.filter, cursor, log));
    }
    shard.counters.resume(if recovered { metrics::Resume::Resumed } else { metrics::Resume::Gap });
    Ok(Some(Opening {
        id,
        opened: Opened::new(epoch, Standing::Journalled, Some(next.hash(id)), shard),
        token: Some(next),
        resumed: true,
        recovered,
        feed,
        known,
    }))
}

/// This position, or the nearest behind it from which the log has everything.
pub(crate) async fn reach(shard: &Shard, tenant: &str, wanted: Position) -> Result<Position, Error> {
    match shard.store.read(tenant, wanted, ReadLimit { events: 1, bytes: 0 }).await? {
        Page::Events { .. } => Ok(wanted),
        Page::Gap { resume, .. } => Ok(resume),
    }
}
