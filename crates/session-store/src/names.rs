//! The names of what is stored. Two that could be swapped have two types; none knows where it is stored.
use std::fmt;
use std::sync::Arc;

use crate::Error;

/// Which session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub uuid::Uuid);

impl SessionId {
    /// A name that no other session has.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// How often a session has changed hands. Starts at 1; each resume raises it by 1; only its latest
/// holder may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Epoch(pub u64);

/// One run of one gateway process. A process that starts again takes another name, since what its
/// predecessor was doing died with it; one that was only taken for dead keeps its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodId(Arc<str>);

impl PodId {
    /// A pod of this name.
    ///
    /// # Errors
    /// [`Error::Name`] unless it has 1 to 128 bytes.
    pub fn new(name: &str) -> Result<Self, Error> {
        crate::bounds::name("a pod's name", name, 1)?;
        Ok(Self(Arc::from(name)))
    }

    /// A name that no other run of any process has.
    pub fn fresh() -> Self {
        Self(Arc::from(uuid::Uuid::now_v7().to_string()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PodId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which life of a tenant's log. It changes whenever the log may have lost its newest events, so that
/// two events of one epoch never share an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LogEpoch(pub u64);

impl LogEpoch {
    /// An epoch that was never used.
    ///
    /// # Errors
    /// [`Error::Randomness`] where the operating system gives none.
    pub(crate) fn fresh() -> Result<Self, Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
        Ok(Self(u64::from_be_bytes(bytes)))
    }

    /// The epoch that is written like this, in 16 hexadecimal digits; `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten().map(Self)
    }
}

impl fmt::Display for LogEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Which event of a log: the first is 1, each later one is 1 higher. Below 2^53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Offset(pub u64);

/// A place in a tenant's log: right behind the event of this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which life of the log.
    pub epoch: LogEpoch,
    /// The last event before this place; 0 is the beginning.
    pub offset: Offset,
}
