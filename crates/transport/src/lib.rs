//! What connections are made of: sockets as they are accepted, and for gRPC TLS with files that may change while the process
//! runs, and bounds for whoever connects. It refuses to know services, backends and tokens.

mod accept;
mod client;
mod connection;
mod error;
mod file;
mod follow;
mod incoming;
mod peer;
mod server;

pub use accept::accept;
pub use client::{ClientFiles, ClientTls, Connector};
pub use connection::Connection;
pub use error::TlsError;
pub use file::{AUTHORITIES, File, certified, roots};
pub use incoming::{Bounds, Certificates, OnFailure, incoming};
pub use peer::Peer;
pub use server::{ServerFiles, ServerTls};
