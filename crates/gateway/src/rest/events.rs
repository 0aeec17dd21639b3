//! `/events`: the tenant's log by long poll, as a stream of server-sent events, and a way to publish.

use super::answer::{self, Answer};
use super::ask::{Ask, EVENT_STREAM, JSON};
use super::body::object;
use super::kept::problem;
use super::lasting::{expiry, over};
use super::problem::Problem;
use super::query::wrong;
use super::schema::{Events, Publish, Published};
use super::{Link, sse, woken};
use crate::access::Forbidden;
use crate::config::ms;
use crate::fanout::{Entry, Filter, News, Reader};
use crate::kept::{self, CallId, out_of_reach};
use crate::platform;
use crate::session::{PUBLISH, reach};
use crate::shard::Peer;
use bytes::Bytes;
use futures_util::stream;
use hyper::header::HeaderName;
use hyper::{Method, StatusCode};
use protocol::ErrorCode;
use serde_json::value::RawValue;
use session_store::{Error, EventLog as _, LogEpoch, NewEvent, Offset, Position};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// What a WebSocket publishes by.
const METHOD: &str = protocol::Method::EventPublish.name();

/// At most so many events, and about so many bytes of them, answer one long poll.
const PAGE: (usize, usize) = (256, 1 << 20);

pub(super) async fn answer(ask: Ask) -> Result<Answer, Problem> {
    if ask.head.method == Method::POST { publish(ask).await } else { read(ask).await }
}

async fn publish(mut ask: Ask) -> Result<Answer, Problem> {
    ask.accepts(&[JSON])?;
    if !ask.identity.has_scope(PUBLISH) {
        return Err(ask.forbidden(METHOD, &Forbidden::Scope(PUBLISH)));
    }
    let body = ask.needed_json(JSON).await?;
    let Publish { name, data } = object(&body)?;
    if !Filter::is_name(&name) {
        return Err(wrong("name must have 1 to 128 bytes, without * and control characters".to_owned()));
    }
    if platform::NAMES.contains(&&*name) {
        let detail = format!("{name} is published by the platform alone: choose another name");
        return Err(ask.forbidden(METHOD, &detail));
    }
    let key = match ask.idempotency_key()? {
        // Nobody's keys are another publisher's.
        Some(key) => {
            let named = ask.named(CallId::of_key(&ask.identity, &key), &body)?;
            let claimed = kept::claim(ask.shard(), &ask.identity, &named).await.map_err(problem)?;
            Some(format!("r:{claimed}"))
        }
        None => None,
    };
    let event = NewEvent { name: &name, data: data.map_or("null", RawValue::get).as_bytes() };
    let shard = ask.shard();
    match shard.store.publish(ask.identity.tenant(), event, key.as_deref()).await {
        Ok(Position { epoch, offset }) => {
            shard.counters.events_published.increment();
            let published = Published { offset: offset.0, log_epoch: epoch.to_string() };
            Ok(answer::written(StatusCode::CREATED, &published))
        }
        Err(Error::TooLarge { limit, .. }) => {
            Err(Problem::new(ErrorCode::TooLarge, format!("the event is over {limit} bytes")))
        }
        Err(error @ (Error::Unavailable { .. } | Error::Timeout { .. })) => {
            tracing::debug!(%error, "an event was not stored");
            Err(Problem::unavailable(
                "the store is out of reach; whether the event was stored is not known: publish it again with the same \
                 Idempotency-Key",
            ))
        }
        Err(error) => Err(out_of_reach(&error).into()),
    }
}

/// A way through the log that chooses by name.
struct Feed {
    reader: Reader,
    filter: Filter,
    peer: Rc<Peer>,
    /// Events are missing before the first.
    gap: Option<Position>,
}

impl Feed {
    async fn open(ask: &Ask, filter: Filter, wanted: Option<Position>) -> Result<Self, Problem> {
        let (shard, tenant) = (ask.shard(), ask.identity.tenant());
        let log = shard.logs.open(tenant);
        let end = timeout(patience(ask), log.end()).await;
        let end =
            end.map_err(|_| Problem::unavailable("the log can't be read now: the store is out of reach"))?;
        let position = match wanted {
            Some(wanted) => reach(shard, tenant, wanted).await.map_err(|error| out_of_reach(&error))?,
            None => end,
        };
        let gap = wanted.filter(|wanted| *wanted != position).map(|_| position);
        let peer = Rc::new(Peer::of_request());
        Ok(Self { reader: Reader::new(position, log, &peer, shard), filter, peer, gap })
    }

    /// What comes next; waits until something does. Cancel safe.
    async fn next(&mut self) -> News {
        self.pull(true).await.unwrap_or_else(|| News::Gap(self.reader.cursor()))
    }

    /// What comes next, if it is there already. Cancel safe.
    async fn at_hand(&mut self) -> Option<News> {
        self.pull(false).await
    }

    async fn pull(&mut self, waits: bool) -> Option<News> {
        if let Some(gap) = self.gap.take() {
            return Some(News::Gap(gap));
        }
        let (reader, filter) = (&mut self.reader, &self.filter);
        woken(&self.peer, |cx| {
            loop {
                match reader.poll_next(cx) {
                    Poll::Ready(Some(News::Event(entry))) if !filter.wants(&entry.name) => {}
                    Poll::Ready(None) if waits => return Poll::Pending,
                    polled => return polled,
                }
            }
        })
        .await
    }
}

/// How long the store may take before a client is told that it is out of reach.
fn patience(ask: &Ask) -> Duration {
    ms(ask.shard().terms().config.store.redis.command_timeout_ms * 2)
}

async fn read(ask: Ask) -> Result<Answer, Problem> {
    let kind = ask.accepts(&[JSON, EVENT_STREAM])?;
    let query = ask.query()?;
    let filter =
        filter(query.text("names").unwrap_or("*"), ask.shard().terms().config.events.max_subscriptions)?;
    let last = ask.header(&HeaderName::from_static("last-event-id"))?;
    let asked = match (query.number("after", 1 << 53)?, query.text("epoch")) {
        (Some(offset), Some(epoch)) => Some(position(epoch, offset)?),
        (None, None) => None,
        _ => return Err(wrong("the parameters after and epoch stand together".to_owned())),
    };
    // A client that comes back sends the URL that it had.
    let wanted = match last.filter(|_| kind == EVENT_STREAM) {
        Some(id) => {
            let right = || wrong("Last-Event-ID must be an id as it was sent".to_owned());
            let (epoch, offset) = id.split_once(':').ok_or_else(right)?;
            Some(position(epoch, offset.parse().map_err(|_| right())?)?)
        }
        None => asked,
    };
    let most = ask.shard().terms().config.rest.max_wait_ms;
    let wait = ms(query.number("wait_ms", most)?.unwrap_or(0));
    let feed = Feed::open(&ask, filter, wanted).await?;
    if kind == EVENT_STREAM { Ok(stream(ask, feed)) } else { poll(&ask, feed, wait).await }
}

/// Answers as soon as there are events, at the latest after `wait`.
async fn poll(ask: &Ask, mut feed: Feed, wait: Duration) -> Result<Answer, Problem> {
    let until = Instant::now() + wait;
    let (mut events, mut bytes) = (Vec::new(), 0);
    let mut position = feed.reader.cursor();
    let mut gap = false;
    while events.len() < PAGE.0 && bytes < PAGE.1 {
        let there = timeout(patience(ask), feed.at_hand()).await;
        let there = there
            .map_err(|_| Problem::unavailable("the log can't be read now: the store is out of reach"))?;
        let news = match there {
            None if events.is_empty() && !gap => {
                // What was left out is not to be looked at again.
                position = feed.reader.cursor();
                tokio::select! {
                    news = timeout_at(until, feed.next()) => news.ok(),
                    () = ask.link.left() => None,
                    _ = ask.link.disowned(&ask.identity) => None,
                }
            }
            there => there,
        };
        match news {
            None => {
                position = feed.reader.cursor();
                break;
            }
            Some(News::Gap(_)) if !events.is_empty() => break,
            Some(News::Gap(behind)) => (gap, position) = (true, behind),
            Some(News::Event(entry)) => {
                position = feed.reader.cursor();
                bytes += entry.size();
                ask.shard().counters.events_delivered.increment();
                events.extend(RawValue::from_string(shown(&entry)).ok());
            }
        }
    }
    let (log_epoch, last_offset) = (position.epoch.to_string(), position.offset.0);
    Ok(answer::written(StatusCode::OK, &Events { events, log_epoch, last_offset, gap }))
}

/// An event as JSON.
fn shown(entry: &Entry) -> String {
    let mut text = format!("{{\"offset\":{},", entry.offset).into_bytes();
    entry.write_members(&mut text);
    text.push(b'}');
    // Names and data are UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// Everything from now on, until the client goes, the token ends, or the pod drains.
fn stream(ask: Ask, feed: Feed) -> Answer {
    let terms = ask.shard().terms();
    let websocket = &terms.config.websocket;
    let heartbeat = ms(websocket.ping_interval_ms);
    let expires = expiry(&ask.identity, terms.config.auth.grace_s);
    let (link, identity) = (Rc::clone(&ask.link), ask.identity.clone());
    let start = format!("id: {}\n: events follow\n\n", id(feed.reader.cursor()));
    let first = stream::once(std::future::ready(Bytes::from(start)));
    let rest = stream::unfold(Some((link, identity, feed)), move |state| async move {
        let (link, identity, mut feed) = state?;
        let bytes = tokio::select! {
            biased;
            over = over(&link, &identity, expires) => {
                return Some((match over.problem() {
                    None => sse::retry(&link),
                    Some(problem) => sse::write("error", "", &problem.body()),
                }, None));
            }
            news = timeout(heartbeat, feed.next()) => told(&link, &feed, news.ok()),
        };
        Some((bytes, Some((link, identity, feed))))
    });
    use futures_util::StreamExt as _;
    answer::events(first.chain(rest))
}

fn told(link: &Link, feed: &Feed, news: Option<News>) -> Bytes {
    let id = id(feed.reader.cursor());
    match news {
        // The place moves on, also past events that were left out.
        None => Bytes::from([format!("id: {id}\n").as_bytes(), sse::KEEP_ALIVE].concat()),
        Some(News::Gap(Position { epoch, offset })) => {
            let data = format!("{{\"log_epoch\":\"{epoch}\",\"last_offset\":{}}}", offset.0);
            sse::write("gap", &id, data.as_bytes())
        }
        Some(News::Event(entry)) => {
            link.shard.counters.events_delivered.increment();
            sse::write("", &id, shown(&entry).as_bytes())
        }
    }
}

/// The id of a server-sent event: the place behind it.
fn id(position: Position) -> String {
    format!("{}:{}", position.epoch, position.offset.0)
}

fn filter(names: &str, most: usize) -> Result<Filter, Problem> {
    let names: Vec<String> = names.split(',').map(|name| name.trim().to_owned()).collect();
    if names.len() > most {
        return Err(wrong(format!("{} names, and events.max_subscriptions is {most}", names.len())));
    }
    if names.iter().any(|name| Filter::check(name).is_err()) {
        return Err(wrong(
            "names must be names of 1 to 128 bytes, prefixes that end with .*, or *, with commas between"
                .to_owned(),
        ));
    }
    Ok(Filter::default().with(&names))
}

fn position(epoch: &str, offset: u64) -> Result<Position, Problem> {
    let right = || wrong("an epoch is 16 hexadecimal digits, as log_epoch was told".to_owned());
    Ok(Position { epoch: LogEpoch::parse(epoch).ok_or_else(right)?, offset: Offset(offset) })
}
