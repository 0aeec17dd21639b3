//! What is measured: the programs, built with the release profile, and how each is started for a bench.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use core_affinity::CoreId;

use super::socket::Endpoint;
use super::wire::Wire;
use crate::server::Server;
use crate::workspace;

/// The programs that a bench starts.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Takes the programs from `folder`, or builds them. A bench is itself a program to be built: one that was built without
    /// optimisation replaces this process by its release build.
    pub(crate) fn ready(folder: Option<&Path>) -> Result<Self> {
        if cfg!(debug_assertions) {
            let packages: &[&str] =
                if folder.is_some() { &["xtask"] } else { &["xtask", "gateway", "tools"] };
            let built = workspace::build_release(packages)?;
            let mut release = Command::new(built.join("xtask"));
            release.args(std::env::args_os().skip(1));
            if folder.is_none() {
                release.arg("--programs").arg(&built);
            }
            return Err(release.exec()).context("could not start the release build of xtask");
        }
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => workspace::build_release(&["gateway", "tools"])?,
        };
        ensure!(folder.join("mcpw").is_file(), "there is no mcpw in {}", folder.display());
        Ok(Self { folder })
    }

    /// A gateway with one shard, on `cpu` alone, with a fresh signing key.
    pub(crate) fn gateway(&self, cpu: CoreId, settings: &[(&str, String)]) -> Result<Server> {
        let mut command = Command::new(self.folder.join("mcpw"));
        command.args([
            "dev",
            "--json",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--grpc",
            "127.0.0.1:0",
        ]);
        command.env("RUNTIME_SHARDS", "1").env("LOG_LEVEL", "warn");
        command.envs(settings.iter().map(|(key, value)| (key, value)));
        Server::start(command, Some(cpu), &log("gateway")?)
    }

    /// A bare fastwebsockets server, on `cpu` alone.
    pub(crate) fn baseline(&self, cpu: CoreId, coalesce: bool) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve-baseline");
        if coalesce {
            command.arg("--coalesce");
        }
        Server::start(command, Some(cpu), &log("baseline")?)
    }
}

/// The gateway's endpoint in one subprotocol.
pub(crate) fn endpoint(gateway: &Server, wire: Wire) -> Result<Endpoint> {
    Endpoint::gateway(gateway.ready("url")?, wire, gateway.ready("token")?)
}

fn log(name: &str) -> Result<PathBuf> {
    Ok(workspace::target()?.join("bench").join(format!("{name}.log")))
}
