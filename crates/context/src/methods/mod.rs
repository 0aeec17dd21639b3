//! The methods `context.*`: from params to the database and back. One file for each, and what they share.
mod create;
mod delete;
mod get;
mod list;
mod search;
mod update;

use std::sync::Arc;

use backend::{Backend, Call, Failure, Handler};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use tokio::sync::Notify;
use uuid::Uuid;

use crate::Error;
use crate::change::Bounds;
use crate::contexts::Contexts;
use crate::time::Time;

const READ: &str = "context:read";
const WRITE: &str = "context:write";

/// What every method works with.
#[derive(Debug)]
pub(crate) struct Desk<C> {
    pub(crate) contexts: Arc<C>,
    pub(crate) bounds: Bounds,
    /// Wakes whoever tells changes.
    pub(crate) written: Arc<Notify>,
}

/// The backend `context` over this database.
pub(crate) fn backend<C: Contexts>(desk: Desk<C>) -> Backend {
    let desk = Arc::new(desk);
    Backend::new("context")
        .version(env!("CARGO_PKG_VERSION"))
        // Making and changing twice is not as once: what came from others in between would be undone.
        .method(method("context.create", &desk, create::answer).scope(WRITE))
        .method(method("context.get", &desk, get::answer).scope(READ).read_only().idempotent())
        .method(method("context.update", &desk, update::answer).scope(WRITE))
        .method(method("context.delete", &desk, delete::answer).scope(WRITE).destructive())
        .method(method("context.list", &desk, list::answer).scope(READ).read_only().idempotent())
        .method(method("context.search", &desk, search::answer).scope(READ).read_only().idempotent())
}

fn method<C, P, R, F, Fut>(name: &str, desk: &Arc<Desk<C>>, answer: F) -> Handler
where
    C: Contexts,
    P: DeserializeOwned,
    R: Serialize,
    F: Fn(Arc<Desk<C>>, Call, P) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, Error>> + Send + 'static,
{
    let desk = Arc::clone(desk);
    Handler::new(name, move |call: Call, params: P| {
        let answering = answer(Arc::clone(&desk), call, params);
        async move { answering.await.map_err(Failure::from) }
    })
}

/// What no context has as its id is found nowhere.
fn id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::NotFound)
}

/// Tells `null` from nothing.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// A number of items up to a bound.
fn limit(given: Option<u64>, default: usize, most: usize) -> Result<usize, Error> {
    let Some(given) = given else { return Ok(default) };
    match usize::try_from(given) {
        Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
        _ => Err(Error::invalid("limit", format!("use 1 to {most}"))),
    }
}

fn time(field: &'static str, given: Option<&str>) -> Result<Option<Time>, Error> {
    let read = |text: &str| {
        let wrong = |_| Error::invalid(field, "use a time as 2026-01-31T12:00:00Z");
        text.parse().map_err(wrong)
    };
    given.map(read).transpose()
}
