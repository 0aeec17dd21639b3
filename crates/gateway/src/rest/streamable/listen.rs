//! News for who listens: the stream of a modern client's `subscriptions/listen`, and the one that a legacy client opens with
//! GET. `basic/patterns/subscriptions`; `basic/transports` of 2025-11-25, "Listening for Messages from the Server".

use super::headers::LAST_EVENT;
use super::place::Place;
use super::resumed;
use super::session::{self, Session, Stream};
use crate::config::ms;
use crate::mcp::{Changed, Listening, Note, Wish};
use crate::rest::answer::{self, Answer};
use crate::rest::ask::{Ask, EVENT_STREAM};
use crate::rest::lasting::{expiry, over};
use crate::rest::problem::Problem;
use crate::rest::sse;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use mcp::{Id, translate, write};
use protocol::ErrorCode;
use session_store::{LogEpoch, Offset, Position};
use tokio::time::timeout;
use uuid::Uuid;

/// What the ids of such events begin with.
const PREFIX: &str = "l.";

/// The stream of a `subscriptions/listen` with this id, until its client or the pod ends it.
///
/// # Errors
/// The client takes no stream, or wants too much.
pub(super) async fn modern(ask: &Ask, id: &str, wish: Wish) -> Result<Answer, Problem> {
    ask.accepts(&[EVENT_STREAM])?;
    check_wish(ask, wish.uris.len())?;
    let terms = ask.shard().terms();
    let heartbeat = ms(terms.config.websocket.ping_interval_ms);
    let expires = expiry(&ask.identity, terms.config.auth.grace_s);
    let listening = Listening::open(ask.shard(), &ask.identity, None, wish).await;
    let (id, link, identity) = (id.to_owned(), std::rc::Rc::clone(&ask.link), ask.identity.clone());
    let told = |id: &str, note: &Note| {
        let params = translate::notification::to_modern(&note.params, Id::Token(id));
        event("", &Note { method: note.method.clone(), params: params.into_owned() })
    };
    let first = stream::once(std::future::ready(told(&id, &listening.acknowledged())));
    let rest = stream::unfold(Some((id, link, identity, listening)), move |state| async move {
        let (id, link, identity, mut listening) = state?;
        let bytes = tokio::select! {
            biased;
            // "Graceful Closure".
            _ = over(&link, &identity, expires) => return Some((closed(&id), None)),
            note = timeout(heartbeat, listening.next()) => match note {
                Ok(note) => told(&id, &note),
                Err(_) => Bytes::from_static(sse::KEEP_ALIVE),
            },
        };
        Some((bytes, Some((id, link, identity, listening))))
    });
    Ok(answer::events(first.chain(rest)))
}

fn closed(id: &str) -> Bytes {
    let result =
        format!("{{\"resultType\":\"complete\",\"_meta\":{{\"{}\":{id}}}}}", mcp::meta::SUBSCRIPTION_ID);
    let mut out = Vec::new();
    write::response(Id::Token(id), result.as_bytes(), &mut out);
    sse::write("", "", &out)
}

/// A notification as an event.
fn event(id: &str, note: &Note) -> Bytes {
    let mut out = Vec::new();
    write::notification(&note.method, note.params.as_bytes(), &mut out);
    sse::write("", id, &out)
}

fn check_wish(ask: &Ask, wanted: usize) -> Result<(), Problem> {
    let most = ask.shard().terms().config.events.max_subscriptions;
    if wanted <= most {
        return Ok(());
    }
    let detail = format!("{wanted} resources, and events.max_subscriptions is {most}");
    Err(Problem::new(ErrorCode::InvalidParams, detail))
}

/// A legacy client wants to hear of this resource, or no more.
///
/// # Errors
/// It wants too much; the session is gone; the store is out of reach.
pub(super) async fn subscribe(ask: &Ask, session: Session, uri: &str, wants: bool) -> Result<(), Problem> {
    if wants && !session.state.uris.iter().any(|known| known == uri) {
        check_wish(ask, session.state.uris.len() + 1)?;
    }
    session::change(ask, session, |state| state.subscribe(uri.to_owned(), wants)).await.map(drop)
}

/// The stream of a session. Another one that it has is ended, so that nothing is told twice: "Multiple Connections". With
/// `Last-Event-ID` it goes on after that event, or brings the answer of the call that had it.
///
/// # Errors
/// The client takes no stream, names no session or no event of it; the store is out of reach.
pub(super) async fn legacy(ask: Ask) -> Result<Answer, Problem> {
    ask.accepts(&[EVENT_STREAM])?;
    let session = session::named(&ask).await?;
    let last = ask.header(&LAST_EVENT)?.filter(|last| !last.is_empty()).map(str::to_owned);
    if let Some(ids) = last.as_deref().and_then(resumed::Ids::after) {
        return resumed::answer(ask, &session, ids).await;
    }
    let from = match last.as_deref() {
        Some(last) => Some(position(last).ok_or_else(|| {
            Problem::new(ErrorCode::InvalidMessage, "Last-Event-ID must be an id as it was sent")
        })?),
        None => None,
    };
    let own = Stream { id: Uuid::now_v7(), pod: ask.shard().pod.id.as_str().into() };
    let session = session::change(&ask, session, |state| state.stream = Some(own.clone())).await?;
    let place = Place::enter(ask.shard(), &session);
    let mut hearing = Hearing::open(ask, session, own.id, place).await;
    if let Some(from) = from {
        hearing.listening.go_on_from(from).await;
    }
    let start = match hearing.event_id() {
        id if id.is_empty() => Bytes::from_static(b": news follow\n\n"),
        id => Bytes::from(format!("id: {id}\n: news follow\n\n")),
    };
    let first = stream::once(std::future::ready(start));
    let rest = stream::unfold(Some(hearing), |hearing| async move {
        let mut hearing = hearing?;
        let (bytes, goes_on) = hearing.next().await?;
        Some((bytes, goes_on.then_some(hearing)))
    });
    Ok(answer::events(first.chain(rest)))
}

/// A legacy client that hears what its session wants to.
struct Hearing {
    ask: Ask,
    session: Session,
    /// Which of the session's streams it is.
    stream: Uuid,
    place: Place,
    listening: Listening,
}

impl Hearing {
    async fn open(ask: Ask, session: Session, stream: Uuid, place: Place) -> Self {
        let listening = listen(&ask, &session).await;
        Self { ask, session, stream, place, listening }
    }

    /// Where the stream stands; empty where nothing of it can be told again.
    fn event_id(&self) -> String {
        self.listening
            .position()
            .map_or_else(String::new, |position| format!("{PREFIX}{}:{}", position.epoch, position.offset.0))
    }

    /// What is to be sent, and whether more may come; none if the stream is over.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        let terms = self.ask.shard().terms();
        let heartbeat = ms(terms.config.websocket.ping_interval_ms);
        let expires = expiry(&self.ask.identity, terms.config.auth.grace_s);
        loop {
            tokio::select! {
                biased;
                over = over(&self.ask.link, &self.ask.identity, expires) => {
                    return over.problem().is_none().then(|| (sse::retry(&self.ask.link), false));
                }
                () = self.place.changed() => {}
                note = timeout(heartbeat, self.listening.next()) => match note {
                    Ok(note) => return Some((event(&self.event_id(), &note), true)),
                    Err(_) => {
                        let goes_on = self.look().await;
                        return goes_on.then(|| (Bytes::from_static(sse::KEEP_ALIVE), true));
                    }
                },
            }
            if !self.look().await {
                return None;
            }
        }
    }

    /// Looks at the session; false if this is not its stream any more.
    async fn look(&mut self) -> bool {
        let shard = self.ask.shard();
        match session::found(shard, &self.ask.identity, self.session.id).await {
            Ok(session) => {
                if session.state.stream.as_ref().is_none_or(|stream| stream.id != self.stream) {
                    return false;
                }
                if session.state.uris != self.session.state.uris {
                    let mut listening = listen(&self.ask, &session).await;
                    if let Some(position) = self.listening.position() {
                        listening.go_on_from(position).await;
                    }
                    let before = std::mem::replace(&mut self.listening, listening);
                    self.listening.go_on_after(&before);
                    // It was answered before this stream listens: what has changed meanwhile is not known.
                    let known = &self.session.state.uris;
                    self.listening.tell(session.state.uris.iter().filter(|uri| !known.contains(uri)));
                }
                self.place.hold(&session);
                self.session = session;
                true
            }
            // While the store is out of reach nobody knows better.
            Err(problem) => !problem.is(ErrorCode::NotFound),
        }
    }
}

/// Listens to all that a legacy client hears of without asking, and to what it has asked for.
async fn listen(ask: &Ask, session: &Session) -> Listening {
    let changed = Changed { tools: true, resources: true, prompts: true };
    let wish = Wish { changed, uris: session.state.uris.clone() };
    Listening::open(ask.shard(), &ask.identity, Some(session.id), wish).await
}

fn position(id: &str) -> Option<Position> {
    let (epoch, offset) = id.strip_prefix(PREFIX)?.split_once(':')?;
    Some(Position { epoch: LogEpoch::parse(epoch)?, offset: Offset(offset.parse().ok()?) })
}
