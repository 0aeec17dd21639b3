//! A bounded run of every fuzz target. Knows cargo-fuzz; what a target checks is the target's business.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{root, step};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How long each target runs.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Only these targets; all of them if none is named.
    targets: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if !cargo_fuzz_is_installed() {
        bail!(
            "fuzzing needs a nightly toolchain and cargo-fuzz:\n  rustup toolchain install nightly\n  cargo install --locked cargo-fuzz\n\
             a short run of every target needs neither:\n  cargo test --package targets"
        );
    }
    let known = targets()?;
    ensure!(!known.is_empty(), "there is no target in fuzz/fuzz_targets");
    for target in &options.targets {
        ensure!(known.contains(target), "no fuzz target `{target}`; there are: {}", known.join(", "));
    }
    let chosen = if options.targets.is_empty() { &known } else { &options.targets };
    for target in chosen {
        step(cargo_fuzz().args(["run", target, "--", &format!("-max_total_time={}", options.seconds)]))?;
    }
    println!("no crash in {} targets, {} s each", chosen.len(), options.seconds);
    Ok(())
}

fn cargo_fuzz() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo", "fuzz"]).current_dir(root());
    command
}

fn cargo_fuzz_is_installed() -> bool {
    cargo_fuzz().arg("--version").output().is_ok_and(|output| output.status.success())
}

fn targets() -> Result<Vec<String>> {
    let output = cargo_fuzz().arg("list").output().context("could not start cargo fuzz")?;
    ensure!(output.status.success(), "cargo fuzz list: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}
