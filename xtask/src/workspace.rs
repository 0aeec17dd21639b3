//! Where this workspace is and how its programs are built. Knows cargo, and nothing of what the programs do.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The root folder of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder below the root")
}

/// Cargo as it was called, in the root folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The folder that cargo builds into, wherever the configuration puts it.
pub(crate) fn target() -> Result<PathBuf> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target_directory")?;
    Ok(folder.into())
}

/// Builds packages with the release profile and returns the folder that holds their programs.
pub(crate) fn build_release(packages: &[&str]) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release", "--bins"]);
    for package in packages {
        command.args(["--package", package]);
    }
    step(&mut command)?;
    Ok(target()?.join("release"))
}

/// Builds these programs, each of its package, with the release profile and returns the folder that holds them.
pub(crate) fn build_release_programs(programs: &[(&str, &str)]) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--release"]);
    for (package, program) in programs {
        command.args(["--package", package, "--bin", program]);
    }
    step(&mut command)?;
    Ok(target()?.join("release"))
}

/// Runs a command to its end, showing it first.
///
/// # Errors
/// If it can't be started or ends with a status other than success.
pub(crate) fn step(command: &mut Command) -> Result<()> {
    let line = shown(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("could not start `{line}`"))?;
    ensure!(status.success(), "`{line}` failed: {status}");
    Ok(())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut line = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}
