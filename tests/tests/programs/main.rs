//! The programs as their users meet them: processes with arguments, standard streams, signals and exit codes, and
//! programs in other languages that know nothing but the documentation.

mod api_keys;
mod backends;
mod bench;
mod book;
mod call;
mod check_config;
mod dev;
mod documented_backends;
mod drain;
mod foreign;
mod markdown;
mod migration_page;
mod newcomer;
mod openapi;
mod process;
mod reference_page;
mod replicas;
mod rest_page;
mod settings;
mod shell;
mod shown;
mod signed_page;
mod tokens;
mod tools;
mod troubleshooting_page;

use std::path::{Path, PathBuf};
use std::process::Command;

use gateway::Config;

/// The binary `mcpw` in an empty environment.
fn mcpw() -> Command {
    clean(env!("CARGO_BIN_EXE_mcpw-under-test"))
}

/// `mcpw gateway` on free ports, with a key of its own.
fn gateway() -> tests::Process {
    gateway_with(|_| {})
}

/// As [`gateway`], with other settings.
fn gateway_with(configure: impl FnOnce(&mut Config)) -> tests::Process {
    tests::Process::start(env!("CARGO_BIN_EXE_mcpw-under-test"), configure)
}

/// The root of the repository.
fn repository() -> PathBuf {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is a folder of the repository");
    root.to_owned()
}

/// A program without this process's environment, which may hold settings of the gateway.
fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command
}
