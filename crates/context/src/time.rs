//! Points in time: milliseconds since 1970 in the database and in ids, RFC 3339 on the wire.
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// A point in time, in whole milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(pub(crate) i64);

impl Time {
    pub(crate) fn now() -> Self {
        Self(Timestamp::now().as_millisecond())
    }

    /// When an id of version 7 was made.
    pub(crate) fn of(id: Uuid) -> Self {
        Self(i64::try_from(id.as_u128() >> 80).unwrap_or(i64::MAX))
    }

    /// The least id that can be made at this time or later.
    pub(crate) fn first_id(self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.max(0).cast_unsigned()) << 80)
    }
}

/// A fresh id. Those of one process rise; those of several follow their clocks.
pub(crate) fn fresh_id() -> Uuid {
    Uuid::now_v7()
}

impl FromStr for Time {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|time: Timestamp| Self(time.as_millisecond()))
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = Timestamp::from_millisecond(self.0).map_err(serde::ser::Error::custom)?;
        serializer.collect_str(&format_args!("{time:.3}"))
    }
}
