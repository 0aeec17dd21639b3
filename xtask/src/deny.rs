//! What may be in the tree of dependencies. Knows cargo-deny; what it allows is in `deny.toml`.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::workspace::{root, step};

/// Licences, bans and sources, and the advisories where their database can be reached.
///
/// # Errors
/// If cargo-deny is not installed, or finds something.
pub(crate) fn check() -> Result<()> {
    let installed = deny().arg("--version").output()?.status.success();
    ensure!(installed, "cargo-deny is not installed: `cargo install --locked cargo-deny`");
    let fetched = deny().args(["fetch", "db"]).output()?;
    if fetched.status.success() {
        return step(deny().args(["check", "--disable-fetch"]));
    }
    let why = String::from_utf8_lossy(&fetched.stderr);
    eprintln!("{}", why.trim_end());
    eprintln!(
        "warning: the database of advisories can't be fetched: NOT checked for known vulnerabilities. \
         All else is."
    );
    step(deny().args(["check", "licenses", "bans", "sources"]))
}

fn deny() -> Command {
    let mut command = Command::new("cargo");
    command.arg("deny").current_dir(root());
    command
}
