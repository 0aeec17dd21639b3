//! A batch, which 2025-03-26 alone has: each of its messages is answered as one that comes by itself, and all answers come on one
//! stream. `basic/transports` of 2025-03-26, "Sending Messages to the Server".

use super::kinds::Kinds;
use super::{post, refused, session};
use crate::rest::answer::{self, Answer};
use crate::rest::ask::Ask;
use crate::rest::problem::Problem;
use crate::rest::sse;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future, stream};
use http_body_util::BodyExt as _;
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use mcp::{Error, Message, method, text};
use std::pin::Pin;
use std::rc::Rc;

type Events = Pin<Box<dyn Stream<Item = Bytes>>>;

/// Answers the messages of a batch; 202 if none of them asks for an answer.
///
/// # Errors
/// The session is not there, or is of a version that has no batches.
pub(super) async fn answer(ask: Ask, kinds: Kinds, batch: &str) -> Result<Answer, Problem> {
    let limits = ask.shard().terms().messages;
    let mut messages = Vec::new();
    Message::decode_batch(batch, limits.depth, limits.batch, |message| messages.push(message));
    if let [Err(rejection)] = &messages[..] {
        return Ok(post::rejected(rejection));
    }
    // The batch counts too, since one that is refused has no message that does.
    let seats = ask.link.count(&ask, "").await?;
    if !session::named(&ask).await?.client.version.has_batches() {
        let error = Error::new(mcp::error::INVALID_REQUEST, "a message must be one JSON object");
        return Ok(refused::malformed(None, &error));
    }
    let ask = Rc::new(ask);
    let each = Kinds { json: !kinds.stream, ..kinds };
    let mut answers: Vec<Answer> = Vec::new();
    for (message, raw) in messages.iter().zip(text::elements(batch)) {
        let answer = match message {
            Err(rejection) => post::rejected(rejection),
            // "Initialization" of 2025-03-26: nothing can be asked before it is answered.
            Ok(Message::Request { id, method, .. }) if method == method::INITIALIZE => {
                let error = Error::new(mcp::error::INVALID_REQUEST, "initialize is no part of a batch");
                refused::malformed(Some(*id), &error)
            }
            Ok(message) => match post::one(&ask, each, message, raw).await {
                Ok(answer) => answer,
                Err(problem) => refused::problem(problem, message.id(), None, &ask.shard().terms().config),
            },
        };
        if answer.status() != StatusCode::ACCEPTED {
            // What one is refused with is an answer like the others.
            answers.push(answer);
        }
    }
    let mut answer = match (answers.is_empty(), kinds.stream) {
        (true, _) => answer::empty(StatusCode::ACCEPTED),
        (false, true) => answer::events(stream::select_all(answers.into_iter().map(events))),
        (false, false) => answer::json(StatusCode::OK, array(answers).await),
    };
    answer.body_mut().hold(seats);
    Ok(answer)
}

/// An answer, event by event.
fn events(answer: Answer) -> Events {
    let is_stream = answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    // A frame that can't be read there is none.
    let data = answer.into_body().into_data_stream().filter_map(|data| future::ready(data.ok()));
    match is_stream {
        true => Box::pin(data),
        false => Box::pin(data.map(|data| sse::write("", "", &data))),
    }
}

/// The answers as one array, for a client that takes JSON alone. Each is one object.
async fn array(answers: Vec<Answer>) -> Vec<u8> {
    let mut objects = Vec::new();
    for answer in answers {
        // One that can't be read there is none.
        objects.extend(answer.into_body().collect().await.ok().map(|body| body.to_bytes()));
    }
    [b"[", &objects.join(&b","[..])[..], b"]"].concat()
}
