//! An answer as it is written: one JSON object, or server-sent events as soon as there is something to say before it.
//! `basic/transports/streamable-http`, "Receiving Messages".

use super::answering::{Answering, Heard};
use super::kinds::Kinds;
use super::resumed;
use crate::config::ms;
use crate::rest::answer::{self, Answer};
use crate::rest::problem::Problem;
use crate::rest::sse;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use hyper::StatusCode;
use std::time::Duration;
use tokio::time::timeout;

/// Answers a request in one of these forms.
///
/// # Errors
/// Its call can't be begun.
pub(super) async fn answer(mut answering: Answering, kinds: Kinds) -> Result<Answer, Problem> {
    answering.begun().await?;
    let heartbeat = ms(answering.ask().shard().terms().config.websocket.ping_interval_ms);
    if !kinds.json {
        return Ok(events(answering, None, heartbeat));
    }
    loop {
        // Whoever waits for long is told that somebody still works for it.
        let heard = match kinds.stream {
            true => timeout(heartbeat, answering.next()).await.ok(),
            false => Some(answering.next().await),
        };
        match heard {
            Some(end @ Heard::End(_)) => {
                return Ok(answer::json(answering.status(&end), answering.written(&end)));
            }
            // One object has no place for it.
            Some(Heard::Note(_)) if !kinds.stream => {}
            Some(Heard::Asked(_)) if !kinds.stream => {
                let detail =
                    "the server asks for input, which needs a stream: name text/event-stream in Accept";
                return Err(Problem::new(protocol::ErrorCode::InvalidMessage, detail)
                    .status(StatusCode::NOT_ACCEPTABLE));
            }
            heard => return Ok(events(answering, heard, heartbeat)),
        }
    }
}

/// What comes, event by event, until the answer. Dropped, a call that nothing keeps is cancelled: "Cancellation".
fn events(answering: Answering, first: Option<Heard>, heartbeat: Duration) -> Answer {
    let mut ids = answering.is_resumable().then(|| resumed::Ids::of(&answering.id()));
    // "Sending Messages to the Server" of 2025-11-25: an id, so that the client can come back for the rest.
    let primer = ids.as_mut().map(|ids| Bytes::from(format!("id: {}\ndata: \n\n", ids.next())));
    let rest = stream::unfold(Some((answering, first, ids)), move |state| async move {
        let (mut answering, first, mut ids) = state?;
        let heard = match first {
            Some(heard) => heard,
            None => match timeout(heartbeat, answering.next()).await {
                Ok(heard) => heard,
                Err(_) => return Some((Bytes::from_static(sse::KEEP_ALIVE), Some((answering, None, ids)))),
            },
        };
        let id = ids.as_mut().map(resumed::Ids::next).unwrap_or_default();
        let event = sse::write("", &id, &answering.written(&heard));
        let goes_on = !matches!(heard, Heard::End(_));
        Some((event, goes_on.then_some((answering, None, ids))))
    });
    answer::events(stream::iter(primer).chain(rest))
}
