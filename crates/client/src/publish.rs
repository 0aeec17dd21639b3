//! What `event.publish` takes and answers.

use serde::{Deserialize, Serialize};

use crate::Error;

/// An event that stands in the log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Published {
    /// Where it stands.
    pub offset: u64,
    /// Which log that is.
    pub log_epoch: String,
}

/// The params of `event.publish`.
#[derive(Serialize)]
pub(crate) struct Publication<'a, T> {
    pub(crate) name: &'a str,
    pub(crate) data: T,
    /// Of several events with the same key one is published.
    pub(crate) key: &'a str,
}

impl Published {
    pub(crate) fn from_answer(answer: &str) -> Result<Self, Error> {
        serde_json::from_str(answer).map_err(|error| {
            Error::Protocol(format!("the answer to event.publish is not understood: {error}"))
        })
    }
}
