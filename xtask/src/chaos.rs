//! Gateways, Redis and HAProxy under load and under harm. Knows the programs to build; what they do to each other is
//! the affair of `tests/src/chaos`.

use std::process::Command;

use anyhow::Result;

use crate::workspace::{build_release_programs, step, target};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long the load lasts; all scenarios share it, but each does its harm at least once.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Repeats who is hit and when; a fresh one if none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this one: gateways, redis, partition (needs root) or rolling.
    #[arg(long)]
    scenario: Option<String>,
    /// What the program is given besides; `-- --help` shows it.
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let programs = build_release_programs(&[("gateway", "mcpw"), ("tests", "chaos")])?;
    let mut command = Command::new(programs.join("chaos"));
    command.arg("--gateway").arg(programs.join("mcpw")).arg("--folder").arg(target()?.join("chaos"));
    command.args(["--seconds", &options.seconds.to_string()]);
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(scenario) = &options.scenario {
        command.args(["--scenario", scenario]);
    }
    step(command.args(&options.arguments))
}
