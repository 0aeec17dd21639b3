//! `mcpw supervise` alone: what children of the bridge run below.

use std::ffi::OsString;
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<ExitCode> {
    // Its own name, `supervise` and `--`.
    let command: Vec<OsString> = std::env::args_os().skip(3).collect();
    bridge::supervise(&command).await
}
