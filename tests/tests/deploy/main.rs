//! What `deploy/` ships, judged by the programs that will read it: kubectl, helm, hadolint, haproxy, promtool, systemd and
//! `mcpw` itself.

mod collector;
mod compose;
mod health;
mod helm;
mod image;
mod judge;
mod kustomize;
mod manifests;
mod metrics;
mod pod;
mod systemd;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use judge::program;
use manifests::Manifests;
use pod::check_pods;

/// A file or folder of `deploy/`.
fn deploy(path: &str) -> PathBuf {
    repository().join("deploy").join(path)
}

/// The root of the repository.
fn repository() -> PathBuf {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the repository");
    root.to_owned()
}

/// The binary `mcpw` in an empty environment.
fn mcpw() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcpw-under-test"));
    command.env_clear();
    command
}

/// A text file.
#[track_caller]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a program to its end.
#[track_caller]
fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    output.unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"))
}

/// Standard output of a program that ends well.
#[track_caller]
fn success(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = output(command);
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{command:?}: {status}\n{stdout}{}", String::from_utf8_lossy(&stderr));
    stdout
}

/// Standard error of a program that ends badly.
#[track_caller]
fn failure(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = output(command);
    assert!(!status.success(), "{command:?}: {}", String::from_utf8_lossy(&stdout));
    String::from_utf8_lossy(&stderr).into_owned()
}
