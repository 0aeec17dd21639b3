//! What a backend adds to the platform as a server of Model Context Protocol.
use protocol::pb;

use crate::Raw;

/// Says that the backend stands for servers of Model Context Protocol. Such a backend has a
/// [`Handler`](crate::Handler) for [`Mcp::methods`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mcp {
    /// A ServerCapabilities object.
    pub capabilities: Raw,
    /// How to use what it offers, for the model. May be empty.
    pub instructions: String,
    /// Resources whose URI begins with one of these are its own. Without any it is asked for resources that nobody
    /// else claims.
    pub uri_prefixes: Vec<String>,
}

impl Mcp {
    /// The prefix of methods that a backend of this name serves as such: `mcp.NAME.*`.
    pub fn methods(backend: &str) -> String {
        format!("mcp.{backend}.*")
    }

    pub(crate) fn declared(self) -> pb::Mcp {
        pb::Mcp {
            capabilities: self.capabilities.into_bytes(),
            instructions: self.instructions,
            uri_prefixes: self.uri_prefixes,
        }
    }
}
