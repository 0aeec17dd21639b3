//! What is counted of calls: how long each took, and of those of tools how they ended.

use crate::shard::Shard;
use metrics::{ToolOutcome, TraceId};
use protocol::ErrorCode;
use router::{Event, Handler, Kind};
use std::time::Duration;

/// A call that a backend was to run has ended, so long after it was asked for.
pub(crate) fn ended(
    shard: &Shard,
    handler: &Handler,
    elapsed: Duration,
    end: &Event,
    trace: Option<TraceId>,
) {
    shard.counters.calls.observe_one(elapsed, trace);
    if handler.kind == Kind::Tool {
        let outcome = match end {
            Event::Failed(failure) => judged(failure.code).unwrap_or(ToolOutcome::Error),
            Event::Result(_) | Event::Progress(_) | Event::Partial(_) => ToolOutcome::Ok,
        };
        shard.counters.tools.ended(handler.label(), outcome, elapsed);
    }
}

/// A call was answered without a backend.
pub(crate) fn refused(shard: &Shard, handler: &Handler, code: ErrorCode) {
    if handler.kind == Kind::Tool {
        let outcome = judged(code).unwrap_or(ToolOutcome::Refused);
        shard.counters.tools.refused(Some(handler.label()), outcome);
    }
}

/// A tool was asked for that there is not.
pub(crate) fn not_found(shard: &Shard) {
    shard.counters.tools.refused(None, ToolOutcome::NotFound);
}

/// What has an outcome of its own, whoever says it.
const fn judged(code: ErrorCode) -> Option<ToolOutcome> {
    match code {
        ErrorCode::Cancelled => Some(ToolOutcome::Cancelled),
        ErrorCode::DeadlineExceeded => Some(ToolOutcome::Deadline),
        ErrorCode::BackendUnavailable => Some(ToolOutcome::Unavailable),
        ErrorCode::OutcomeUnknown => Some(ToolOutcome::Unknown),
        _ => None,
    }
}
