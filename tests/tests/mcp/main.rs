//! The platform as a server of Model Context Protocol, over the WebSocket, to clients of both eras.

mod changes;
mod contexts;
mod crowds;
mod eras;
mod handshakes;
mod input;
mod keys;
mod lists;
mod peer;
mod resume;
mod rounds;
mod server;
mod survival;
mod tools;

use peer::Peer;
use server::Server;
