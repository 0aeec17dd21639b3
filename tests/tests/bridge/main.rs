//! The bridge as a process: servers that others have made, behind a real gateway, what clients and servers of both eras are told of
//! each other, and what is left when processes are killed.

mod clashes;
mod eras;
mod harness;
#[expect(dead_code, reason = "the tests of the protocol itself use all of it")]
#[path = "../mcp/peer.rs"]
mod peer;
mod processes;
mod real_servers;
mod sessions;
