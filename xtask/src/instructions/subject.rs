//! What is counted: a gateway with one shard and one backend, whose clocks are quiet, and the codecs by themselves.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::counted::Counted;
use crate::bench::socket::{Connection, Endpoint};
use crate::bench::subject::{free_address, secret};
use crate::bench::wire::{Method, Wire};
use crate::server::Server;
use crate::workspace::{cargo, root, step, target};

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

    /// The backend, of which nothing is counted.
    fn tools(&self, folder: &Path) -> Result<Server> {
        let mut command = Command::new(self.folder.join("mcpw-tools"));
        command.args(["--root", ".", "--listen", "127.0.0.1:0"]).current_dir(root()).env("RUST_LOG", "warn");
        Server::start(command, None, &folder.join("tools.log"))
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
        let tools = programs.tools(folder)?;
        let (address, secret) = (free_address()?, secret()?);
        let config = folder.join(format!("{name}.yaml"));
        let quiet = 3_600_000;
        // JSON is YAML.
        let content = json!({
            "websocket": { "listen": address, "ping_interval_ms": quiet },
            "session": { "acknowledge_after_ms": quiet },
            "admin": { "listen": "127.0.0.1:0" },
            "registry": { "listen": "127.0.0.1:0" },
            "auth": { "keys": [{ "id": "gate", "algorithm": "HS256", "secret": secret }] },
            "backends": [format!("http://{}", tools.ready("listening")?)],
            "runtime": { "shards": 1 },
            "log": { "level": "warn" },
        });
        std::fs::write(&config, content.to_string())
            .with_context(|| format!("could not write {}", config.display()))?;
        let program = programs.folder.join("mcpw");
        let mut token = Command::new(&program);
        token.args(["token", "--kid", "gate"]).env("MCPW_SECRET", &secret);
        let token = token.output().context("could not start mcpw token")?;
        ensure!(token.status.success(), "mcpw token: {}", String::from_utf8_lossy(&token.stderr));
        let mut command = Command::new(&program);
        command.arg("gateway").arg("--config").arg(&config);
        let counted = Counted::start(&command, folder, name)?;
        let token = String::from_utf8(token.stdout)?.trim().to_owned();
        let gateway = Self { counted, address, token, _tools: tools };
        gateway.await_tools()?;
        Ok(gateway)
    }

    /// Where its clients connect, in this subprotocol.
    pub(crate) fn endpoint(&self, wire: Wire) -> Result<Endpoint> {
        Endpoint::gateway(&format!("ws://{}/ws", self.address), wire, &self.token)
    }

    fn await_tools(&self) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            ensure!(Instant::now() < until, "the gateway does not listen after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut connection = Connection::open(&self.endpoint(Wire::Json)?)?;
        for id in 1.. {
            connection.send_request(Wire::Json, id, Method::ToolList, "{}")?;
            let result = connection.receive_answer(Wire::Json, id)?;
            if result["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == "echo"))
            {
                break;
            }
            ensure!(
                Instant::now() < until,
                "the backend's tools are not listed after {PATIENCE:?}: {result}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}
