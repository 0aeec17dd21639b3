//! Calls of tools, counted by the place that a tool's name has among the pod's labels.

use crate::names::OTHER;
use crate::{Counter, Histogram};
use std::sync::OnceLock;
use std::time::Duration;

/// How a call of a tool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum ToolOutcome {
    /// With a result.
    Ok,
    /// With an error that has no outcome of its own.
    Error,
    /// It was cancelled.
    Cancelled,
    /// Its deadline passed.
    Deadline,
    /// No replica could take it, or the one that had it died.
    Unavailable,
    /// It isn't known whether it was executed.
    Unknown,
    /// The gateway did not let it through: rights, rates, params, or too many at once.
    Refused,
    /// There is no such tool.
    NotFound,
}

impl ToolOutcome {
    pub(crate) const NAMES: [&'static str; 8] =
        ["ok", "error", "cancelled", "deadline", "unavailable", "unknown", "refused", "not_found"];
}

/// What one shard counts of tools.
#[derive(Debug, Default)]
pub struct Tools(Box<[OnceLock<Box<Tool>>]>);

#[derive(Debug, Default)]
struct Tool {
    ended: [Counter; ToolOutcome::NAMES.len()],
    durations: Histogram,
}

impl Tools {
    pub(crate) fn new(places: usize) -> Self {
        Self((0..places).map(|_| OnceLock::new()).collect())
    }

    /// A call of the tool with this place ended, so long after it began.
    pub fn ended(&self, place: usize, outcome: ToolOutcome, took: Duration) {
        let tool = self.tool(place);
        tool.ended[outcome as usize].increment();
        tool.durations.observe(took, 1);
    }

    /// A call was not begun. `None`: of a name that no backend has registered.
    pub fn refused(&self, place: Option<usize>, outcome: ToolOutcome) {
        self.tool(place.unwrap_or(OTHER)).ended[outcome as usize].increment();
    }

    fn tool(&self, place: usize) -> &Tool {
        let place = if place < self.0.len() { place } else { OTHER };
        self.0[place].get_or_init(Box::default)
    }

    pub(crate) fn count(&self, place: usize, outcome: usize) -> u64 {
        self.0[place].get().map_or(0, |tool| tool.ended[outcome].value())
    }

    pub(crate) fn durations(&self, place: usize) -> Option<&Histogram> {
        self.0[place].get().map(|tool| &tool.durations)
    }
}
