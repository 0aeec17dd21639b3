//! The official SDKs of Model Context Protocol as clients of the platform, of both generations, in both eras, over the WebSocket
//! and over HTTP: with its own backends, and with servers that others have made.

mod examples;
#[expect(dead_code, reason = "the tests of the bridge use more of it")]
#[path = "../bridge/harness.rs"]
mod harness;
mod own;
mod program;
mod sdk;
#[expect(dead_code, reason = "the tests of the WebSocket use more of it")]
#[path = "../mcp/server.rs"]
mod server;
mod servers;
mod versions;
mod walks;

use program::Program;
use sdk::Sdk;
use tests::Endpoints;

/// Waits until all shards know these tools: each connection comes to one of them, whichever it is.
fn await_everywhere(gateway: &Endpoints, tools: &[&str]) {
    for _ in 0..16 {
        let mut client = gateway.connect();
        client.tolerate_pings();
        for tool in tools {
            client.await_tool(tool);
        }
    }
}
