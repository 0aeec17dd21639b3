//! Clients that never finish what they begin, by the thousand. Knows the programs to build; what they do is the affair of
//! `tests/src/siege.rs`.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{build_release_programs, step};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// So many slow handshakes, and so many half frames. Each side needs two file descriptors for each.
    #[arg(long, default_value_t = 10_000)]
    each: usize,
    /// For how long they are held.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = build_release_programs(&[("gateway", "mcpw"), ("tests", "siege")])?;
    let mut command = Command::new(programs.join("siege"));
    command.arg("--gateway").arg(programs.join("mcpw"));
    command.args(["--each", &options.each.to_string(), "--seconds", &options.seconds.to_string()]);
    step(&mut command)
}
