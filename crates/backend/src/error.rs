//! Why a backend could not be served, or an event not published. What a single call can be told is a
//! [`Failure`](crate::Failure).
use std::io;

/// Why [`Backend::serve`](crate::Backend::serve) failed, why a running backend ended by itself, or why an event
/// was not published.
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
    #[error("gateway address {address:?} is invalid: use http://host:port or https://host:port")]
    GatewayAddress {
        /// The address as given.
        address: String,
    },
    /// A file of [`Serve::tls`](crate::Serve::tls) can't be used.
    #[error("tls: {0}")]
    Tls(#[from] transport::TlsError),
    /// The file of the token by which gateways know the backend can't be used.
    #[error("registry_token_file: {path}: {reason}", path = path.display())]
    RegistryToken {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: String,
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
    /// There is no gateway through which an event could be published.
    #[error("no gateway is known; set register_at, also where a gateway's config lists the backend")]
    NoGateway,
    /// An event that would be refused again: its name, its data or its tenant has to be another one.
    #[error("the event {name:?} was refused: {reason}")]
    EventRefused {
        /// The event's name.
        name: String,
        /// What the gateway said, or why the data has no JSON form.
        reason: String,
    },
    /// No gateway has confirmed an event in time. Whether it was stored is not known; published again with the
    /// same key, it is stored once.
    #[error("it is not known whether the event {name:?} was stored: {reason}")]
    EventUnconfirmed {
        /// The event's name.
        name: String,
        /// What was seen last.
        reason: String,
    },
}
