//! The versions of the protocol, and which one is spoken.

use std::fmt;

/// How a version's conversation works. `basic/versioning`, "Terminology".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// A session, opened by `initialize`.
    Legacy,
    /// Every request says everything in `_meta`.
    Modern,
}

/// A version that is spoken here, by rising date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 2024-11-05.
    V2024_11_05,
    /// 2025-03-26.
    V2025_03_26,
    /// 2025-06-18.
    V2025_06_18,
    /// 2025-11-25.
    V2025_11_25,
    /// 2026-07-28.
    V2026_07_28,
}

impl Version {
    /// Every version, the oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// The newest with sessions.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The newest.
    pub const LATEST: Self = Self::V2026_07_28;

    /// As it stands on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The version of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.name() == name)
    }

    /// How its conversation works.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// What `initialize` is answered with: the version asked for if it has sessions and is known, else the newest that has.
    /// `basic/lifecycle` of 2025-11-25, "Version Negotiation".
    pub fn negotiated(asked: &str) -> Self {
        Self::of(asked).filter(|version| version.era() == Era::Legacy).unwrap_or(Self::LATEST_LEGACY)
    }

    /// Whether a batch of messages is a message too: in 2025-03-26 alone.
    pub const fn has_batches(self) -> bool {
        matches!(self, Self::V2025_03_26)
    }

    /// All names as a JSON array, the newest first.
    pub fn list() -> String {
        let names: Vec<String> =
            Self::ALL.iter().rev().map(|version| format!("\"{}\"", version.name())).collect();
        format!("[{}]", names.join(","))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_with_sessions_is_taken_and_any_other_becomes_the_newest_of_these() {
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            assert_eq!(Version::negotiated(version).name(), version);
        }
        for version in ["2026-07-28", "1.0.0", "", "2027-01-01"] {
            assert_eq!(Version::negotiated(version), Version::V2025_11_25);
        }
    }

    #[test]
    fn the_newest_stands_first_in_the_list() {
        assert_eq!(Version::list(), r#"["2026-07-28","2025-11-25","2025-06-18","2025-03-26","2024-11-05"]"#);
    }
}
