//! Why a store refused. Each variant says what a caller can do about it.

/// A store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory holds as many replicas as it may; nothing was changed.
    #[error("the directory is full: {limit} replicas are known; remove one, or raise the limit")]
    Full {
        /// How many replicas the directory may hold.
        limit: usize,
    },
    /// A replica without a name to tell it from others; nothing was changed.
    #[error("a replica needs an instance of 1 to 128 bytes, this one has {length}")]
    Instance {
        /// How long the refused instance was, in bytes.
        length: usize,
    },
}
