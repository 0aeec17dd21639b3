//! What is counted: a gateway with one shard and one backend, whose clocks are quiet, and the codecs by themselves.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::counted::Counted;
use crate::bench::socket::Endpoint;
use crate::bench::subject::{Key, await_tools, free_address, tools};
use crate::bench::wire::Wire;
use crate::server::Server;
use crate::workspace::{cargo, step, target};

/// A program under Callgrind takes so long for what others do at once.
const PATIENCE: Duration = Duration::from_secs(120);
/// The package and the example of it that runs one codec so many times.
const CODECS: (&str, &str) = ("protocol", "decode_speed");

/// The programs, optimized.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Takes them from `folder`, or builds them with the profile `gate`.
    pub(crate) fn ready(folder: Option<&Path>) -> Result<Self> {
        let built = || {
            let mut command = cargo();
            command.args([
                "build",
                "--locked",
                "--profile",
                "gate",
                "--package",
                "gateway",
                "--package",
                "tools",
            ]);
            command.args(["--package", CODECS.0, "--bins", "--example", CODECS.1]);
            step(&mut command)?;
            anyhow::Ok(target()?.join("gate"))
        };
        let folder = folder.map_or_else(built, |folder| Ok(folder.to_owned()))?;
        Ok(Self { folder })
    }

    /// One codec, so many times.
    pub(crate) fn codec(&self, name: &str, count: u32) -> Command {
        let mut command = Command::new(self.folder.join("examples").join(CODECS.1));
        command.args(["--only", name, &count.to_string()]);
        command
    }
}

/// A gateway under Callgrind, and the backend behind it.
#[derive(Debug)]
pub(crate) struct Gateway {
    pub(crate) counted: Counted,
    address: SocketAddr,
    token: String,
    /// Killed with the gateway.
    _tools: Server,
}

impl Gateway {
    /// Starts both, and returns once calls of the backend's tools are taken. Nothing is counted yet.
    pub(crate) fn start(programs: &Programs, folder: &Path, name: &str) -> Result<Self> {
        let tools = tools(&programs.folder, None, &folder.join("tools.log"))?;
        let (address, key) = (free_address()?, Key::fresh(&programs.folder)?);
        let config = folder.join(format!("{name}.yaml"));
        let quiet = 3_600_000;
        // JSON is YAML.
        let content = json!({
            "websocket": { "listen": address, "ping_interval_ms": quiet },
            "session": { "acknowledge_after_ms": quiet },
            "admin": { "listen": "127.0.0.1:0" },
            "registry": { "listen": "127.0.0.1:0" },
            "auth": { "keys": [key.setting()] },
            "backends": [format!("http://{}", tools.ready("listening")?)],
            "runtime": { "shards": 1 },
            "log": { "level": "warn" },
        });
        std::fs::write(&config, content.to_string())
            .with_context(|| format!("could not write {}", config.display()))?;
        let mut command = Command::new(programs.folder.join("mcpw"));
        command.arg("gateway").arg("--config").arg(&config);
        let counted = Counted::start(&command, folder, name)?;
        let gateway = Self { counted, address, token: key.token, _tools: tools };
        await_tools(&gateway.endpoint(Wire::Json)?, PATIENCE)?;
        Ok(gateway)
    }

    /// Where its clients connect, in this subprotocol.
    pub(crate) fn endpoint(&self, wire: Wire) -> Result<Endpoint> {
        Endpoint::gateway(&format!("ws://{}/ws", self.address), wire, &self.token)
    }
}
