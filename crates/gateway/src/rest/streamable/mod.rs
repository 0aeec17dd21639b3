//! Model Context Protocol over Streamable HTTP: one endpoint on the client port, in both eras. Whoever asks is known by its
//! token alone, as with REST; what it asks is answered by the same core as on a WebSocket. Nothing here is kept between two
//! requests but in the store, so that any pod serves any session.

mod answering;
mod batch;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod headers;
mod kinds;
mod listen;
pub(crate) mod metadata;
mod params;
mod place;
mod post;
mod refused;
mod resumed;
mod rounds;
mod session;
mod stream;
mod value;

pub(crate) use rounds::Rounds;
pub(crate) use session::streaming_pod;

use super::Link;
use super::answer::{self, Answer};
use super::ask::Ask;
use super::problem::Problem;
use hyper::header::{ALLOW, HeaderValue};
use hyper::{Method, StatusCode};
use mcp::Era;
use protocol::ErrorCode;

/// The endpoint.
pub(crate) const PATH: &str = crate::mcp::PATH;

/// Answers a request of whoever was let in.
///
/// # Errors
/// It is refused before it is known what is asked; [`refused`] writes it.
pub(super) async fn answer(ask: Ask) -> Result<Answer, Problem> {
    if ask.head.method == Method::POST {
        return post::answer(ask).await;
    }
    // "Earlier Streamable HTTP Revisions": without sessions there is neither a stream to get nor one to end.
    match headers::era(&ask.head.headers, None, false) {
        Ok(Era::Legacy) => {}
        Ok(Era::Modern) => {
            let detail = "with this MCP-Protocol-Version all is asked by POST";
            return Err(Problem::new(ErrorCode::MethodNotFound, detail)
                .status(StatusCode::METHOD_NOT_ALLOWED)
                .with(ALLOW, HeaderValue::from_static("POST")));
        }
        Err(error) => return Ok(refused::malformed(None, &error)),
    }
    let seats = ask.link.count(&ask, "").await?;
    let mut answer = if ask.head.method == Method::DELETE {
        session::end(&ask).await?;
        answer::empty(StatusCode::NO_CONTENT)
    } else {
        listen::legacy(ask).await?
    };
    answer.body_mut().hold(seats);
    Ok(answer)
}

impl Link {
    /// What is refused at the endpoint before it is known what was asked.
    pub(super) fn refuse_word(&self, problem: Problem) -> Answer {
        refused::problem(problem, None, None, &self.shard.terms().config)
    }
}
