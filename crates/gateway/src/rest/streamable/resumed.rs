//! The answer of a legacy client's call, for who has lost its stream: found in the journal by the id of an event, at whichever
//! pod. `basic/transports` of 2025-11-25, "Resumability and Redelivery". What was told before the answer is not told again.

use super::answering::Kept;
use super::session::Session;
use crate::config::ms;
use crate::kept::{CallId, Waiting, out_of_reach};
use crate::mcp::{Ends, ROUNDS, Shape, asks};
use crate::rest::answer::{self, Answer};
use crate::rest::ask::Ask;
use crate::rest::problem::Problem;
use crate::rest::{calls, sse};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::stream;
use mcp::{Id, Version, method, write};
use protocol::ErrorCode;
use router::Event;
use session_store::{Error, Journal as _};
use tokio::time::Instant;

/// What the ids of such events begin with.
const PREFIX: &str = "c.";

/// The ids of one request's events: the request, and a number.
#[derive(Debug)]
pub(super) struct Ids {
    /// The id of the request, as it was written.
    request: String,
    count: u64,
}

impl Ids {
    pub(super) fn of(id: &Id<'_>) -> Self {
        Self { request: mcp::raw_id(*id).into_owned(), count: 0 }
    }

    /// Those that come after this event; none if it is no event of such a stream.
    pub(super) fn after(event: &str) -> Option<Self> {
        let (request, count) = event.strip_prefix(PREFIX)?.rsplit_once('.')?;
        let request = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(request).ok()?).ok()?;
        mcp::read_id(&request)?;
        Some(Self { request, count: count.parse().ok()? })
    }

    /// Which request's they are.
    pub(super) fn request(&self) -> Id<'_> {
        Id::Token(&self.request)
    }

    pub(super) fn next(&mut self) -> String {
        self.count = self.count.saturating_add(1);
        format!("{PREFIX}{}.{}", BASE64_URL_SAFE_NO_PAD.encode(&self.request), self.count)
    }
}

/// A call as the journal has it.
pub(super) struct Found {
    /// The latest of its rounds.
    round: u32,
    pub(super) name: CallId,
    /// None while that runs.
    end: Option<Event>,
}

/// What the journal has of a call from this round on; none if it has nothing.
pub(super) async fn find(ask: &Ask, call: &Kept, from: u32) -> Result<Option<Found>, Error> {
    let mut latest = None;
    for round in from..=ROUNDS {
        let Some(name) = call.name(ask, round) else { break };
        let session = name.session(&ask.identity);
        let found = ask.shard().store.lookup(session, &[&name.request()]).await?;
        let Some(entry) = found.into_iter().next().flatten() else { break };
        let end = calls::end(ask, name, session, entry).await?;
        let goes_on = end.as_ref().is_some_and(asks);
        latest = Some(Found { round, name, end });
        if !goes_on {
            break;
        }
    }
    Ok(latest)
}

/// A call whose client has come back for its answer.
struct Lost {
    ask: Ask,
    ids: Ids,
    call: Kept,
    found: Found,
}

/// The rest of the stream that has these events.
///
/// # Errors
/// There is no such call, or its answer is forgotten.
pub(super) async fn answer(ask: Ask, session: &Session, ids: Ids) -> Result<Answer, Problem> {
    let version = session.client.version;
    let call = Kept::Request(session.id, ids.request.as_str().into());
    let found = find(&ask, &call, 0).await.map_err(|error| out_of_reach(&error))?.ok_or_else(unknown)?;
    let heartbeat = ms(ask.shard().terms().config.websocket.ping_interval_ms);
    let lost = Lost { ask, ids, call, found };
    Ok(answer::events(stream::unfold(Some(lost), move |lost| async move {
        let mut lost = lost?;
        let Some(end) = lost.end(Instant::now() + heartbeat).await else {
            return Some((Bytes::from_static(sse::KEEP_ALIVE), Some(lost)));
        };
        let message = written(lost.ids.request(), &end, version);
        Some((sse::write("", &lost.ids.next(), &message), None))
    })))
}

impl Lost {
    /// How the call ends; none if it has not by then.
    async fn end(&mut self, until: Instant) -> Option<Event> {
        let mut waiting = self.join();
        loop {
            match find(&self.ask, &self.call, self.found.round).await {
                Ok(Some(Found { end: Some(end), .. })) => return Some(end),
                Ok(Some(found)) if found.round > self.found.round => {
                    self.found = found;
                    waiting = self.join();
                    // It may have ended before anybody waited for this round.
                    continue;
                }
                Ok(Some(_)) => {}
                Ok(None) => return Some(Event::Failed(crate::outcome::forgotten())),
                Err(error) => tracing::debug!(%error, "the journal could not be asked"),
            }
            if Instant::now() >= until {
                return None;
            }
            waiting.pause().await;
        }
    }

    fn join(&self) -> Waiting {
        self.ask.shard().awaited.join(self.found.name.session(&self.ask.identity))
    }
}

fn written(id: Id<'_>, end: &Event, version: Version) -> Vec<u8> {
    let shape = Shape { ends: Ends::Server(method::TOOLS_CALL), ..Shape::bare(version) };
    let mut out = Vec::new();
    match end {
        // Whoever was to be asked is not there any more.
        end if asks(end) => {
            let failure = crate::outcome::repeatable("the stream was lost on which it asked for input");
            write::failure(Some(id), &shape.error(&failure), &mut out);
        }
        Event::Result(result) => write::response(id, shape.result(result).as_bytes(), &mut out),
        Event::Failed(failure) => write::failure(Some(id), &shape.error(failure), &mut out),
        Event::Progress(_) | Event::Partial(_) => {}
    }
    out
}

fn unknown() -> Problem {
    let detail = "Last-Event-ID is none of a call of this session that is still known";
    Problem::new(ErrorCode::InvalidMessage, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_request_and_no_two_are_the_same() {
        for raw in ["1", "\"a\"", "\"\\u00e9.\"", "-7"] {
            let mut ids = Ids::of(&Id::Token(raw));
            let (first, second) = (ids.next(), ids.next());
            assert_ne!(first, second);
            assert!(first.bytes().all(|byte| byte.is_ascii_graphic()), "{first}");
            let mut behind = Ids::after(&second).expect("it is an event's");
            assert_eq!(behind.request(), Id::Token(raw));
            assert_eq!(behind.next(), ids.next());
        }
        let mut last = Ids::after(&format!("c.MQ.{}", u64::MAX)).expect("it is an event's");
        assert_eq!(last.request(), Id::Token("1"));
        last.next();
        for other in ["", "c.", "c.x", "c.MQ", "c.MQ.x", "c.bnVsbA.1", "e.MQ.1", "c.*.1"] {
            assert!(Ids::after(other).is_none(), "{other}");
        }
    }
}
