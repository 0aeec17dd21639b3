//! Model Context Protocol over Streamable HTTP: raw requests of both eras on real sockets, at one gateway and at several that
//! share a Redis.

mod authorization;
mod calls;
mod form;
mod modern;
mod notifications;
mod peer;
mod pods;
#[path = "../mcp/server.rs"]
mod server;
mod sessions;

use peer::Peer;
use server::Server;
