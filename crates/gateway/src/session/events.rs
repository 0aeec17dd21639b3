//! `event.subscribe`, `event.unsubscribe` and `event.publish`.

use super::asker::Asker;
use super::feed::Feed;
use super::open::reach;
use super::params::{Mistake, Params};
use super::pending::Then;
use super::state::State;
use super::{Exchange, Session};
use crate::access::Forbidden;
use crate::fanout::{Filter, Log};
use crate::platform;
use crate::shard::Shard;
use protocol::{ErrorCode, Message, Method};
use serde::Serialize;
use session_store::{Epoch, Error, EventLog as _, NewEvent, Position, SessionId, Sessions as _};
use std::rc::Rc;

/// What a client needs to publish.
pub(crate) const PUBLISH: &str = "event:publish";

#[derive(Serialize)]
struct Subscribed<'a> {
    subscriptions: &'a [Box<str>],
    #[serde(skip_serializing_if = "Option::is_none")]
    log_epoch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_offset: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
}

impl Subscribed<'_> {
    fn write(&self) -> Vec<u8> {
        // Names and numbers can always be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Session {
    /// `event.subscribe`: the answer stands before the first event.
    pub(super) fn subscribe(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let most = exchange.shard.terms().config.events.max_subscriptions;
        let parsed = Params::of(request.body).and_then(|params| {
            let names = names_of(&params)?;
            let filter = self.filter().with(&names);
            if filter.names().len() > most {
                return Err(format!(
                    "{} subscriptions, and events.max_subscriptions is {most}: a prefix such as tool.* takes many names",
                    filter.names().len()
                )
                .into());
            }
            Ok((filter, params.position()?))
        });
        let (filter, wanted) = match parsed {
            Ok(parsed) => parsed,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let shard = Rc::clone(exchange.shard);
        let (asker, holder) = (Asker::of(request), self.holder());
        let cursor = self.feed.as_ref().map(|feed| feed.cursor());
        // Without a new name nothing is to be replayed.
        let wanted = wanted.filter(|_| filter != self.filter());
        let tenant = self.identity.tenant().to_owned();
        self.wait_for(async move {
            let begun = begin(&shard, &tenant, cursor, wanted, &filter, holder).await;
            Box::new(move |session: &mut Self, exchange: &mut Exchange<'_>| {
                match begun {
                    Ok((log, position, recovered)) => {
                        let answer = Subscribed {
                            subscriptions: filter.names(),
                            log_epoch: Some(position.epoch.to_string()),
                            last_offset: Some(position.offset.0),
                            recovered: Some(recovered),
                        };
                        exchange.reply(&asker, Ok(&answer.write()));
                        match (&mut session.feed, log) {
                            (Some(feed), _) => feed.filter = filter,
                            (feed @ None, Some(log)) => {
                                let new = Feed::new(filter, position, log, exchange.peer, exchange.shard);
                                *feed = Some(Box::new(new));
                            }
                            (None, None) => {}
                        }
                    }
                    Err(error) => refuse_for(&error, "nothing was subscribed", &asker, exchange),
                }
                Ok(())
            }) as Then
        });
    }

    /// `event.unsubscribe`. A name that was not subscribed to is no mistake.
    pub(super) fn unsubscribe(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        let names = match Params::of(request.body).and_then(|params| names_of(&params)) {
            Ok(names) => names,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        let filter = self.filter().without(&names);
        let answer =
            Subscribed { subscriptions: filter.names(), log_epoch: None, last_offset: None, recovered: None }
                .write();
        let Some(position) = self.feed.as_ref().map(|feed| feed.cursor()) else {
            return exchange.answer(request, &answer);
        };
        let shard = Rc::clone(exchange.shard);
        let (asker, holder) = (Asker::of(request), self.holder());
        self.wait_for(async move {
            let saved = save(&shard, holder, &State { filter: filter.clone(), position }).await;
            Box::new(move |session: &mut Self, exchange: &mut Exchange<'_>| {
                match saved {
                    Ok(()) => {
                        exchange.reply(&asker, Ok(&answer));
                        match &mut session.feed {
                            Some(feed) if !filter.is_empty() => feed.filter = filter,
                            feed => *feed = None,
                        }
                    }
                    Err(error) => refuse_for(&error, "nothing was unsubscribed", &asker, exchange),
                }
                Ok(())
            }) as Then
        });
    }

    /// `event.publish`: answered once the event stands in the log.
    pub(super) fn publish(&mut self, request: &Message<'_>, exchange: &mut Exchange<'_>) {
        if !self.identity.has_scope(PUBLISH) {
            return self.forbid(request, Method::EventPublish.name(), &Forbidden::Scope(PUBLISH), exchange);
        }
        let parsed = Params::of(request.body).and_then(|params| {
            let name = params.required_text("name")?.into_owned();
            if !Filter::is_name(&name) {
                return Err("params.name must have 1 to 128 bytes, without * and control characters".into());
            }
            let key = params.text("key")?;
            if key.as_ref().is_some_and(|key| !platform::KEY.contains(&key.len())) {
                return Err("params.key must have 1 to 120 bytes".into());
            }
            // Nobody's keys are another publisher's.
            let key = key.map(|key| format!("c:{key}"));
            Ok((name, params.raw("data").unwrap_or("null").as_bytes().to_vec(), key))
        });
        let (name, data, key) = match parsed {
            Ok(parsed) => parsed,
            Err(mistake) => return exchange.refuse(request, ErrorCode::InvalidParams, &mistake),
        };
        if platform::NAMES.contains(&&*name) || platform::OF_CONTEXTS.contains(&&*name) {
            let why = format!("{name} is published by the platform alone: choose another name");
            return self.forbid(request, Method::EventPublish.name(), &why, exchange);
        }
        let (store, tenant) = (exchange.shard.store.clone(), self.identity.tenant().to_owned());
        let asker = Asker::of(request);
        self.wait_for(async move {
            let published =
                store.publish(&tenant, NewEvent { name: &name, data: &data }, key.as_deref()).await;
            Box::new(move |_: &mut Self, exchange: &mut Exchange<'_>| {
                match published {
                    Ok(Position { epoch, offset }) => {
                        exchange.shard.counters.events_published.increment();
                        let answer = format!("{{\"offset\":{},\"log_epoch\":\"{epoch}\"}}", offset.0);
                        exchange.reply(&asker, Ok(answer.as_bytes()));
                    }
                    Err(error) => {
                        let what =
                            "whether the event was stored is not known: publish it again with the same key";
                        refuse_for(&error, what, &asker, exchange);
                    }
                }
                Ok(())
            }) as Then
        });
    }

    fn filter(&self) -> Filter {
        self.feed.as_ref().map_or_else(Filter::default, |feed| feed.filter.clone())
    }

    /// Under which epoch the session's state is saved; none if it can't be resumed.
    fn holder(&self) -> Option<(SessionId, Epoch)> {
        let opened = self.opened.as_ref().filter(|opened| opened.is_resumable())?;
        Some((SessionId(self.id), opened.epoch))
    }
}

/// Opens the log where the session has none open, and saves what it subscribes to.
async fn begin(
    shard: &Rc<Shard>,
    tenant: &str,
    cursor: Option<Position>,
    wanted: Option<Position>,
    filter: &Filter,
    holder: Option<(SessionId, Epoch)>,
) -> Result<(Option<Rc<Log>>, Position, bool), Error> {
    let (log, position, recovered) = match (cursor, wanted) {
        // What the session has had already is not sent again for names that come late.
        (Some(cursor), wanted) => (None, cursor, wanted.is_none_or(|wanted| wanted == cursor)),
        (None, Some(wanted)) => {
            let log = shard.logs.open(tenant);
            let position = reach(shard, tenant, wanted).await?;
            (Some(log), position, position == wanted)
        }
        (None, None) => {
            let log = shard.logs.open(tenant);
            // The log is known to the shard, or the store is asked: whoever waits for neither is told.
            let wait =
                std::time::Duration::from_millis(shard.terms().config.store.redis.command_timeout_ms * 2);
            let Ok(end) = tokio::time::timeout(wait, log.end()).await else {
                return Err(Error::Timeout { milliseconds: wait.as_millis() as u64 });
            };
            (Some(log), end, true)
        }
    };
    save(shard, holder, &State { filter: filter.clone(), position }).await?;
    Ok((log, position, recovered))
}

async fn save(shard: &Shard, holder: Option<(SessionId, Epoch)>, state: &State) -> Result<(), Error> {
    let Some((id, epoch)) = holder else { return Ok(()) };
    match shard.store.save(id, epoch, &state.write()).await {
        // What the store no longer has is put back whole; a session that moved is closed, whatever is answered here.
        Err(Error::Unknown { .. } | Error::Stale) => Ok(()),
        saved => saved,
    }
}

fn refuse_for(error: &Error, what: &str, asker: &Asker, exchange: &mut Exchange<'_>) {
    let (code, message) = match error {
        Error::TooLarge { limit, .. } => (ErrorCode::TooLarge, format!("the event is over {limit} bytes")),
        Error::OutOfMemory | Error::Full { .. } => {
            (ErrorCode::BackendUnavailable, "the store is full; nothing was stored".to_owned())
        }
        Error::Corrupt { .. } => {
            tracing::error!(connection = exchange.peer.id(), %error, "a log of events is not what it should be");
            let message = format!("the log of events is damaged, and an operator has to look at it; {what}");
            (ErrorCode::BackendUnavailable, message)
        }
        _ => (ErrorCode::BackendUnavailable, format!("the store is out of reach; {what}")),
    };
    exchange.reply(asker, Err((code, &message)));
}

fn names_of(params: &Params<'_>) -> Result<Vec<String>, Mistake> {
    let names = params.texts("names")?;
    if names.is_empty() {
        return Err(
            "params.names is missing: an array of names, or prefixes such as tool.*, is needed".into()
        );
    }
    for name in &names {
        if Filter::check(name).is_err() {
            let shown: String = name.chars().take(64).collect();
            return Err(format!(
                "params.names has {shown:?}: a name of 1 to 128 bytes, a prefix that ends with .*, or * is needed"
            )
            .into());
        }
    }
    Ok(names)
}
