//! What the conformance suite of Model Context Protocol asks a server for, over pipes and in every version that the SDK speaks.
//! The suite says what each tool is called and answers; nothing here knows the platform.
#![allow(
    deprecated,
    reason = "the suite asks for what the newest version has deprecated: sampling, roots and logging"
)]

mod asking;
mod content;
mod prompts;
mod resources;
mod rounds;
mod server;
mod tools;

use anyhow::Result;
use rmcp::ServiceExt as _;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    server::Server::default().serve(rmcp::transport::stdio()).await?.waiting().await?;
    Ok(())
}
