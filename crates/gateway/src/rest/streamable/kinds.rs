//! In which forms a client takes an answer: one object, a stream, or both. `basic/transports/streamable-http`, "Sending
//! Messages".

use crate::rest::ask::{Ask, EVENT_STREAM, JSON};
use crate::rest::problem::Problem;

/// What `Accept` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kinds {
    pub(super) json: bool,
    pub(super) stream: bool,
}

impl Kinds {
    /// Clients have to name both; one that takes a single form gets that, as far as it goes.
    ///
    /// # Errors
    /// It takes neither: 406.
    pub(super) fn of(ask: &Ask) -> Result<Self, Problem> {
        let json = ask.accepts(&[JSON]).is_ok();
        let stream = ask.accepts(&[EVENT_STREAM]).is_ok();
        if !json && !stream {
            ask.accepts(&[JSON, EVENT_STREAM])?;
        }
        Ok(Self { json, stream })
    }
}
