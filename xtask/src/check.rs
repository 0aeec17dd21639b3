//! What must be clean before a merge. Knows the commands; their settings are in the root's files.

use std::process::Command;

use anyhow::{Result, bail};

use crate::deny;
use crate::generate;
use crate::workspace::{cargo, step, target};

pub(crate) fn run() -> Result<()> {
    let (mut clean, mut failed) = (Vec::new(), Vec::new());
    let mut note = |name, outcome: Result<()>| match outcome {
        Ok(()) => clean.push(name),
        Err(error) => {
            eprintln!("{error:#}");
            failed.push(name);
        }
    };
    for (name, mut command) in commands()? {
        note(name, step(&mut command));
    }
    note("generate", generate::check());
    note("deny", deny::check());
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    println!("clean: {}", clean.join(", "));
    Ok(())
}

fn commands() -> Result<Vec<(&'static str, Command)>> {
    let mut fmt = cargo();
    fmt.args(["fmt", "--all", "--check"]);
    let mut clippy = cargo();
    clippy.args(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    let mut doc = cargo();
    doc.args(["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings");
    // A workspace of its own.
    let own = ["--manifest-path", "tests/servers/rust/Cargo.toml"];
    let mut server_fmt = cargo();
    server_fmt.arg("fmt").args(own).arg("--check");
    let mut server_clippy = cargo();
    server_clippy.arg("clippy").args(own).arg("--locked").arg("--target-dir");
    server_clippy.arg(target()?.join("servers-rust")).args(["--", "-D", "warnings"]);
    Ok(vec![
        ("fmt", fmt),
        ("clippy", clippy),
        ("doc", doc),
        ("fmt of tests/servers/rust", server_fmt),
        ("clippy of tests/servers/rust", server_clippy),
    ])
}
