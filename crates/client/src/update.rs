//! What a call tells while it runs: `tool.progress` in both of its shapes.

use serde::Deserialize;
use serde_json::value::RawValue;

/// A message about a call that still runs.
#[derive(Clone, Debug)]
pub enum Update {
    /// How far the call is.
    Progress(Progress),
    /// A part of a streamed result, as JSON.
    Partial(Box<RawValue>),
}

/// How far a call is.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Progress {
    /// Units of work that are done; rises from update to update.
    pub progress: f64,
    /// Units of work in all, where the backend knows them.
    pub total: Option<f64>,
    /// What is being done, for people.
    pub message: Option<String>,
}

/// The params of `tool.progress`.
#[derive(Deserialize)]
pub(crate) struct ProgressParams {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) partial: Option<Box<RawValue>>,
    #[serde(default)]
    progress: Option<f64>,
    #[serde(default)]
    total: Option<f64>,
    #[serde(default)]
    message: Option<String>,
}

impl ProgressParams {
    /// The update in it; `None` if it is neither a part nor a number.
    pub(crate) fn into_update(self) -> Option<Update> {
        match (self.partial, self.progress) {
            (Some(part), _) => Some(Update::Partial(part)),
            (None, Some(progress)) => {
                Some(Update::Progress(Progress { progress, total: self.total, message: self.message }))
            }
            (None, None) => None,
        }
    }
}
