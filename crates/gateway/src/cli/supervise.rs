//! `mcpw supervise`: what the bridge's children run below.

use super::runtime;
use std::ffi::OsString;
use std::process::ExitCode;

/// Arguments of `mcpw supervise`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    Ok(runtime()?.block_on(bridge::supervise(&arguments.command))?)
}
