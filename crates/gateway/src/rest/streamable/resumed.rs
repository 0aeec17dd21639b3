//! The answer of a legacy client's call, for who has lost its stream: found in the journal by the id of an event, at whichever
//! pod. `basic/transports` of 2025-11-25, "Resumability and Redelivery". What was told before the answer is not told again.

use super::answering::Kept;
use super::session::Session;
use crate::config::ms;
use crate::kept::CallId;
use crate::mcp::{Ends, Shape};
use crate::rest::answer::{self, Answer};
use crate::rest::ask::Ask;
use crate::rest::kept::out_of_reach;
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
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// What the ids of such events begin with.
const PREFIX: &str = "c.";

/// How often the journal is asked: from the first pause to the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The ids of one stream's events: the request that it answers, and a number.
#[derive(Debug)]
pub(super) struct Ids {
    request: String,
    count: u64,
}

impl Ids {
    pub(super) fn of(id: &Id<'_>) -> Self {
        Self { request: BASE64_URL_SAFE_NO_PAD.encode(&*mcp::raw_id(*id)), count: 0 }
    }

    pub(super) fn next(&mut self) -> String {
        self.count += 1;
        format!("{PREFIX}{}.{}", self.request, self.count)
    }
}

/// The id of the request whose stream had this event, as it was written; none if it is no event of such a stream.
pub(super) fn request_of(event: &str) -> Option<String> {
    let (request, count) = event.strip_prefix(PREFIX)?.rsplit_once('.')?;
    count.parse::<u64>().ok()?;
    let raw = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(request).ok()?).ok()?;
    mcp::read_id(&raw).is_some().then_some(raw)
}

/// The rest of the stream of this request.
///
/// # Errors
/// There is no such call, or its answer is forgotten.
pub(super) async fn answer(ask: Ask, session: &Session, request: String) -> Result<Answer, Problem> {
    let version = session.client.version;
    let name = Kept::Request(session.id, request.as_str().into()).name(&ask, 0);
    let Some(name) = name else { return Err(unknown()) };
    if find(&ask, name).await.map_err(|error| out_of_reach(&error))?.is_none() {
        return Err(unknown());
    }
    let heartbeat = ms(ask.shard().terms().config.websocket.ping_interval_ms);
    Ok(answer::events(stream::unfold(Some((ask, request)), move |state| async move {
        let (ask, request) = state?;
        let Some(end) = end(&ask, name, Instant::now() + heartbeat).await else {
            return Some((Bytes::from_static(sse::KEEP_ALIVE), Some((ask, request))));
        };
        let mut ids = Ids::of(&Id::Token(&request));
        Some((sse::write("", &ids.next(), &written(&request, &end, version)), None))
    })))
}

/// What the journal has of a call: none if it has nothing, or how it ended, if it has.
async fn find(ask: &Ask, name: CallId) -> Result<Option<Option<Event>>, Error> {
    let session = name.session(&ask.identity);
    let found = ask.shard().store.lookup(session, &[&name.request()]).await?;
    match found.into_iter().next().flatten() {
        None => Ok(None),
        Some(entry) => calls::end(ask, name, session, entry).await.map(Some),
    }
}

/// How the call ends; none if it has not by then.
async fn end(ask: &Ask, name: CallId, until: Instant) -> Option<Event> {
    let waiting = ask.shard().awaited.join(name.session(&ask.identity));
    let mut pause = PAUSES.0;
    loop {
        match find(ask, name).await {
            Ok(Some(Some(end))) => return Some(end),
            Ok(Some(None)) => {}
            Ok(None) => return Some(Event::Failed(crate::outcome::forgotten())),
            Err(error) => tracing::debug!(%error, "the journal could not be asked"),
        }
        if Instant::now() >= until {
            return None;
        }
        let _ = timeout(pause, waiting.news.notified()).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

fn written(request: &str, end: &Event, version: Version) -> Vec<u8> {
    let shape = Shape { ends: Ends::Server(method::TOOLS_CALL), ..Shape::bare(version) };
    let (id, mut out) = (Id::Token(request), Vec::new());
    match end {
        // Whoever was to be asked is not there any more.
        Event::Result(result) if mcp::translate::result::asks_for_input(&String::from_utf8_lossy(result)) => {
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
            assert_eq!(request_of(&second).as_deref(), Some(raw));
        }
        for other in ["", "c.", "c.x", "c.MQ", "c.MQ.x", "c.bnVsbA.1", "e.MQ.1", "c.*.1"] {
            assert_eq!(request_of(other), None, "{other}");
        }
    }
}
