//! How severe a log message is, and how severe those are that a call wants.

/// The least severe first. RFC 5424.
const NAMES: [&str; 8] = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"];

/// A level of logs; the more severe, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Level(usize);

impl Level {
    /// `None` for one that the protocol does not know.
    pub(crate) fn read(name: &str) -> Option<Self> {
        NAMES.iter().position(|known| *known == name).map(Self)
    }

    pub(crate) const fn name(self) -> &'static str {
        NAMES[self.0]
    }
}
