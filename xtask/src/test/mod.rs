//! All tests of the workspace in one run. Knows the runners and what the tests need on the machine; refuses
//! to know what is tested.

pub(crate) mod clients;
pub(crate) mod system;

use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::{cargo, step, target};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Only install what the tests need.
    #[arg(long)]
    prepare: bool,
    /// What the runner is given besides, for instance a part of the names of tests. Doctests are then left out.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    system::install_missing("the tests need", &system::TESTS)?;
    clients::install(&target()?.join("e2e"))?;
    if options.prepare {
        return Ok(());
    }
    // The last lines on the screen are those of the run with nearly all of the tests.
    let mut failed = Vec::new();
    let all = options.arguments.is_empty();
    if all {
        failed.extend(step(&mut doctests()).err());
        failed.extend(step(&mut stores()).err());
    }
    failed.extend(step(tests(all).args(&options.arguments)).err());
    match failed.len() {
        0 | 1 => failed.pop().map_or(Ok(()), Err),
        count => bail!("{count} of the runs above failed"),
    }
}

/// The tests of the stores share servers, a cluster among them, so they run in one process; a process for each
/// test would start them all again.
const STORES: &str = "session-store";

fn stores() -> Command {
    let mut command = cargo();
    command.args(["test", "--package", STORES, "--all-targets", "--no-fail-fast"]);
    command
}

/// The examples in the documentation, which nextest does not run.
fn doctests() -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet", "--doc", "--workspace", "--no-fail-fast"]);
    command
}

/// All tests, or all but those of the stores.
fn tests(without_stores: bool) -> Command {
    let mut command = cargo();
    if nextest_is_installed() {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast"]);
    } else {
        eprintln!("cargo-nextest is not installed; `cargo test` does the same, with a count for each crate");
        command.args(["test", "--workspace", "--all-targets", "--no-fail-fast"]);
    }
    if without_stores {
        command.args(["--exclude", STORES]);
    }
    command
}

fn nextest_is_installed() -> bool {
    cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success())
}
