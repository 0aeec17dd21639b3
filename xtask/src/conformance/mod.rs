//! The wires as the test suites see them that others have written for their protocols.

mod mcp;
mod websocket;

use anyhow::Result;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Runs the conformance suite of Model Context Protocol instead: in both eras, against a server behind the bridge, and
    /// against the platform alone.
    #[arg(long, conflicts_with_all = ["cases", "url", "seconds"])]
    mcp: bool,
    #[command(flatten)]
    websocket: websocket::Options,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.mcp {
        return mcp::run(options.websocket.programs());
    }
    websocket::run(&options.websocket)
}
