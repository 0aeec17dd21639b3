//! Why a backend could not be dialled or described, divided by what would help.

/// A backend cannot be used. Shown to operators and to whoever registers a backend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not an address that can be dialled.
    #[error("address {address:?} {reason}; give it as host:port, http://host:port or https://host:port")]
    Address {
        /// The text as it was given, shortened.
        address: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody answered there, or not in time.
    #[error("{address} does not answer: {reason}")]
    Unreachable {
        /// The address that was dialled.
        address: String,
        /// What the dial or the connection ended with.
        reason: String,
    },
    /// Something answered, but not with a description.
    #[error("{address} refused Describe: {reason}")]
    Refused {
        /// The address that was dialled.
        address: String,
        /// The gRPC status that it answered.
        reason: String,
    },
    /// The description breaks a rule.
    #[error("{address} describes itself wrongly: {reason}")]
    Invalid {
        /// The address that was dialled.
        address: String,
        /// The rule, and what breaks it.
        reason: String,
    },
}
