//! Why a store refused. Each variant says what a caller can do about it.

/// A store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The memory store holds as many entries as it may; nothing was changed.
    #[error("the store is full: {limit} entries are known; remove one, or raise the limit")]
    Full {
        /// How many entries it may hold.
        limit: usize,
    },
    /// A replica without a name to tell it from others; nothing was changed.
    #[error("a replica needs an instance of 1 to 128 bytes, this one has {length}")]
    Instance {
        /// How long the refused instance was, in bytes.
        length: usize,
    },
    /// A name outside its bounds; nothing was changed.
    #[error("{what} needs {least} to {most} bytes, this one has {length}")]
    Name {
        /// What was to be named.
        what: &'static str,
        /// The fewest bytes that it may have.
        least: usize,
        /// The most bytes that it may have.
        most: usize,
        /// How many it had.
        length: usize,
    },
    /// More bytes than may be stored at once; nothing was changed.
    #[error("{what} may have {limit} bytes, this one has {length}")]
    TooLarge {
        /// What was to be stored.
        what: &'static str,
        /// The most bytes that it may have.
        limit: usize,
        /// How many it had.
        length: usize,
    },
    /// Something of this name exists already; nothing was changed.
    #[error("{what} of this name exists already")]
    Exists {
        /// What was to be made.
        what: &'static str,
    },
    /// It was never there, or its time has run out, or the store came back empty.
    #[error("{what} is not known; it ended, its time ran out, or the store came back empty")]
    Unknown {
        /// What was looked for.
        what: &'static str,
    },
    /// The writer holds an epoch that is not the latest: the session has moved, and this pod may write no
    /// more. Nothing was changed.
    #[error("the session has moved on to another epoch; its connection here has to be closed")]
    Stale,
    /// The store is out of reach. Whether the command took effect is not known.
    #[error("the store is out of reach: {reason}")]
    Unavailable {
        /// What was seen last.
        reason: String,
    },
    /// No answer within the timeout. Whether the command took effect is not known.
    #[error("the store did not answer within {milliseconds} ms")]
    Timeout {
        /// The timeout.
        milliseconds: u64,
    },
    /// The store has no memory left; nothing was changed.
    #[error("the store has reached its memory limit; raise it, or lower the bounds of what is kept")]
    OutOfMemory,
    /// The store is a replica, or refuses writes; nothing was changed.
    #[error("the store takes no writes: {reason}")]
    ReadOnly {
        /// What it said.
        reason: String,
    },
    /// The store lets nobody in with these credentials, or not to this command; nothing was changed.
    #[error("the store refuses access: {reason}")]
    Forbidden {
        /// What it said.
        reason: String,
    },
    /// What is stored is not what belongs there.
    #[error("what is stored is damaged: {reason}")]
    Corrupt {
        /// What was found.
        reason: String,
    },
    /// Settings with which no store can be reached.
    #[error("the store's settings: {reason}")]
    Settings {
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes")]
    Randomness,
}

impl Error {
    /// Whether it is the store's own fault, and not what it answers to what it was asked.
    pub const fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. }
                | Self::Timeout { .. }
                | Self::OutOfMemory
                | Self::ReadOnly { .. }
                | Self::Forbidden { .. }
                | Self::Corrupt { .. }
        )
    }
}
