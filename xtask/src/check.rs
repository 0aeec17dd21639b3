//! What must be clean before a merge. Knows the commands; their settings are in the root's files.

use std::process::Command;

use anyhow::{Result, bail};

use crate::deny;
use crate::generate;
use crate::workspace::{cargo, step};

pub(crate) fn run() -> Result<()> {
    let mut failed = Vec::new();
    for (name, mut command) in commands() {
        if let Err(error) = step(&mut command) {
            eprintln!("{error:#}");
            failed.push(name);
        }
    }
    if let Err(error) = generate::check() {
        eprintln!("{error:#}");
        failed.push("generate");
    }
    if let Err(error) = deny::check() {
        eprintln!("{error:#}");
        failed.push("deny");
    }
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    println!("clean: fmt, clippy, doc, generate, deny");
    Ok(())
}

fn commands() -> Vec<(&'static str, Command)> {
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
    server_clippy.arg("clippy").args(own).args(["--locked", "--target-dir", "target/servers-rust"]);
    server_clippy.args(["--", "-D", "warnings"]);
    vec![
        ("fmt", fmt),
        ("clippy", clippy),
        ("doc", doc),
        ("fmt of tests/servers/rust", server_fmt),
        ("clippy of tests/servers/rust", server_clippy),
    ]
}
