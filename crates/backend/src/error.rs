//! Why a backend could not be served. What a single call can be told is a [`Failure`](crate::Failure).
use std::io;

/// Why [`Backend::serve`](crate::Backend::serve) failed, or why a running backend ended by itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The backend's name is not 1 to 64 of `[a-z0-9-]`.
    #[error("backend name {name:?} is invalid: use 1 to 64 characters of a-z, 0-9 and -")]
    BackendName {
        /// The name as given.
        name: String,
    },
    /// A tool's name is not 1 to 128 of `[A-Za-z0-9._-]`.
    #[error("tool name {name:?} is invalid: use 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-'")]
    ToolName {
        /// The name as given.
        name: String,
    },
    /// A method is neither a name nor a prefix that ends in `.*`.
    #[error(
        "method pattern {pattern:?} is invalid: use 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-', \
         or such a name followed by \".*\""
    )]
    MethodPattern {
        /// The pattern as given.
        pattern: String,
    },
    /// Two tools have one name.
    #[error("tool {name:?} was added twice")]
    DuplicateTool {
        /// The name that both have.
        name: String,
    },
    /// Two methods have one pattern.
    #[error("method {pattern:?} was added twice")]
    DuplicateMethod {
        /// The pattern that both have.
        pattern: String,
    },
    /// An option of [`Serve`](crate::Serve) is out of its range.
    #[error("option {option} is invalid: {reason}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What would be right.
        reason: &'static str,
    },
    /// The address of a gateway can't be dialled.
    #[error("gateway address {address:?} is invalid: use http://host:port")]
    GatewayAddress {
        /// The address as given.
        address: String,
    },
    /// The address to listen on could not be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address as given.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The gRPC server ended by itself.
    #[error("the gRPC server failed: {reason}")]
    Server {
        /// What the transport said.
        reason: String,
    },
}
