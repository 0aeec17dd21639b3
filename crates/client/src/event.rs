//! An event of the tenant's log, and the patterns that choose among them. Knows nothing of who reads them.

use serde::Deserialize;
use serde_json::value::RawValue;

/// An event that a [`Subscription`](crate::Subscription) chose.
#[derive(Clone, Debug)]
pub struct Event {
    /// Where it stands in the log; rises from event to event.
    pub offset: u64,
    /// Which log that is: after its loss another one begins, with offsets of its own.
    pub log_epoch: String,
    /// Its name, for instance `tool.executed`.
    pub name: String,
    /// What it says, as JSON; `null` if nothing.
    pub data: Box<RawValue>,
}

/// The params of `event`.
#[derive(Deserialize)]
pub(crate) struct EventParams {
    pub(crate) name: String,
    #[serde(default = "null")]
    pub(crate) data: Box<RawValue>,
}

/// A place in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) log_epoch: String,
    pub(crate) last_offset: u64,
}

impl Position {
    /// Of a log that nobody has named yet.
    pub(crate) fn unknown() -> Self {
        Self { log_epoch: String::new(), last_offset: 0 }
    }

    pub(crate) fn is_known(&self) -> bool {
        !self.log_epoch.is_empty()
    }

    /// Whether it is not where this answer says the log is, but in another log or further back.
    pub(crate) fn is_before(&self, answer: &Subscribed) -> bool {
        self.is_known() && (self.log_epoch != answer.log_epoch || self.last_offset < answer.last_offset)
    }
}

/// The answer to `event.subscribe`, and in part that to `event.unsubscribe`.
#[derive(Deserialize)]
pub(crate) struct Subscribed {
    pub(crate) log_epoch: String,
    pub(crate) last_offset: u64,
    #[serde(default)]
    pub(crate) recovered: bool,
}

/// The params of `event.gap`.
#[derive(Deserialize)]
pub(crate) struct GapParams {
    pub(crate) log_epoch: String,
    pub(crate) last_offset: u64,
}

/// Whether a name, or a pattern as a whole, is among those of the pattern: itself, or `tool.*`, or `*`.
pub(crate) fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

fn null() -> Box<RawValue> {
    RawValue::NULL.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(covers(pattern, name), expected, "{pattern} {name}");
    }

    #[test]
    fn a_pattern_is_a_name_or_a_prefix() {
        check("tool.executed", "tool.executed", true);
        check("tool.executed", "tool.executed2", false);
        check("tool.*", "tool.executed", true);
        check("tool.*", "tool.", true);
        check("tool.*", "toolbox", false);
        check("*", "anything", true);
        check("*", "tool.*", true);
        check("tool.*", "*", false);
        check("tool.*", "tool.*", true);
    }
}
