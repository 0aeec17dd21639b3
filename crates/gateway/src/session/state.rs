//! What a resume needs to know of a session's subscriptions, as the store keeps it.

use crate::fanout::Filter;
use serde::{Deserialize, Serialize};
use session_store::{LogEpoch, Offset, Position};

/// The subscriptions of a session, and where the log stood when the first of them was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) filter: Filter,
    pub(super) position: Position,
}

#[derive(Serialize, Deserialize)]
struct Written {
    names: Vec<String>,
    epoch: u64,
    offset: u64,
}

impl State {
    pub(super) fn write(&self) -> Vec<u8> {
        let names = self.filter.names().iter().map(|name| name.to_string()).collect();
        let written = Written { names, epoch: self.position.epoch.0, offset: self.position.offset.0 };
        // Names and numbers can always be written.
        serde_json::to_vec(&written).unwrap_or_default()
    }

    /// `None` if there are no subscriptions.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let written: Written = serde_json::from_slice(bytes).ok()?;
        let filter = Filter::default().with(&written.names);
        let position = Position { epoch: LogEpoch(written.epoch), offset: Offset(written.offset) };
        (!filter.is_empty()).then_some(Self { filter, position })
    }
}

/// The names and prefixes in a state as the store has it.
pub(crate) fn subscriptions_in(bytes: &[u8]) -> Vec<String> {
    serde_json::from_slice::<Written>(bytes).map(|written| written.names).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_read_as_they_were_written() {
        let state = State {
            filter: Filter::default().with(&["a.*".to_owned(), "b".to_owned()]),
            position: Position { epoch: LogEpoch(u64::MAX), offset: Offset(7) },
        };
        assert_eq!(State::read(&state.write()), Some(state));
        assert_eq!(State::read(b""), None);
    }
}
