//! The key by which a modern client names a call, so that it is executed once however often, and over whichever wire, it is
//! sent.

use super::plan::{Ends, Plan};
use crate::kept::{CallId, Named, fingerprint};
use auth::Identity;
use mcp::{Edit, Error, Meta, meta};
use protocol::json;
use std::borrow::Cow;

/// Keys have up to so many bytes.
const LONGEST: usize = 128;

/// A key. Answers to what a call has asked for, with its `requestState` if it has one, make another call of it.
#[derive(Clone, Debug)]
pub(crate) struct Key(Box<str>);

impl Key {
    /// That of a request, if it has one.
    ///
    /// # Errors
    /// It is empty, or too long.
    pub(crate) fn of(params: &str, meta: &Meta<'_>) -> Result<Option<Self>, Error> {
        let Some(key) = &meta.idempotency_key else { return Ok(None) };
        if !(1..=LONGEST).contains(&key.len()) {
            let name = meta::IDEMPOTENCY_KEY;
            return Err(Error::params(format!("params._meta.{name:?} must have 1 to {LONGEST} bytes")));
        }
        let answers = || json::member(params, "inputResponses").map(|_| "answered");
        let round = json::member(params, "requestState").or_else(answers).unwrap_or_default();
        Ok(Some(Self(format!("mcp key {key} {round}").into())))
    }

    /// What the call is found by.
    pub(crate) fn id(&self, identity: &Identity) -> CallId {
        CallId::of_key(identity, &self.0)
    }
}

/// A call under a name. All of it tells it from another one of that name, but what it says about itself, which another
/// attempt says in other words. `None` where it can't be kept.
pub(crate) fn named(id: CallId, plan: &Plan) -> Option<Named> {
    let params = match plan.shape.ends {
        Ends::Server(_) => Edit::of(&plan.params).remove(meta::NAME).finish(),
        // What the protocol says of itself is not among these.
        Ends::Tool | Ends::Context => Cow::Borrowed(&*plan.params),
    };
    // The params of a tool that knows nothing of the protocol don't name it.
    let (name, method) = (plan.handler.name.as_bytes(), plan.method.as_bytes());
    let fingerprint = fingerprint(&[b"mcp", name, method, params.as_bytes()])?;
    Some(Named { id, fingerprint })
}
