//! Model Context Protocol over Streamable HTTP: one endpoint on the client port, in both eras. Whoever asks is known by its
//! token alone, as with REST; what it asks is answered by the same core as on a WebSocket.

pub(crate) mod metadata;

/// The endpoint.
pub(crate) const PATH: &str = "/mcp";
