//! What servers have written that nobody else reads, under fire. The crate `targets` says when.

pub use crate::link::http::mcp_headers;
