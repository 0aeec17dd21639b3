//! What is measured: the programs, built with the release profile, and how each is started for a bench.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use core_affinity::CoreId;
use serde_json::{Value, json};

use super::socket::{Connection, Endpoint};
use super::wire::{Method, Wire};
use crate::server::{Process, Server, dev};
use crate::workspace;

/// How long a gateway may take until it is there.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two looks at what is awaited.
const PAUSE: Duration = Duration::from_millis(20);

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
        ensure!(
            folder.join("mcpw").is_file(),
            "there is no mcpw in {}; use a folder that `cargo build --release` has built it into, such as target/release",
            folder.display()
        );
        Ok(Self { folder })
    }

    /// A gateway with one shard, on `cpu` alone, with a fresh signing key.
    pub(crate) fn gateway(&self, cpu: CoreId, settings: &[(&str, String)]) -> Result<Server> {
        let mut command = dev(&self.folder);
        command.env("RUNTIME_SHARDS", "1").env("LOG_LEVEL", "warn");
        command.envs(settings.iter().map(|(key, value)| (key, value)));
        Server::start(command, Some(cpu), &log("gateway")?)
    }

    /// Where they are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The program that is measured, and that makes the load.
    pub(crate) fn mcpw(&self) -> PathBuf {
        self.folder.join("mcpw")
    }

    /// A server that writes to so many sockets, on `cpu` alone; its ready line names its `address`.
    pub(crate) fn writes(&self, cpu: CoreId, subscribers: u32) -> Result<Server> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve-writes", "--subscribers", &subscribers.to_string()]);
        Server::start(command, Some(cpu), &log("writes")?)
    }

    /// The tools backend on `cpu` alone, as [`tools`] starts it.
    pub(crate) fn tools(&self, cpu: CoreId) -> Result<Server> {
        tools(&self.folder, Some(cpu), &log("tools")?)
    }

    /// A signing key for one run, and a token that it has signed.
    pub(crate) fn key(&self) -> Result<Key> {
        Key::fresh(&self.folder)
    }

    /// A gateway that has these backends and no others, where `mcpw dev` would bring tools of its own; with one shard, on
    /// `cpu` alone. Returns once it accepts connections.
    pub(crate) fn configured(
        &self,
        name: &str,
        (key, backends): (&Key, &[String]),
        settings: &[(&str, String)],
        cpu: CoreId,
    ) -> Result<(Process, SocketAddr)> {
        let listen = free_address()?;
        let config = folder()?.join(format!("{name}.yaml"));
        // JSON is YAML.
        let content = json!({
            "websocket": { "listen": listen },
            "admin": { "listen": "127.0.0.1:0" },
            "registry": { "listen": "127.0.0.1:0" },
            "auth": { "keys": [key.setting()] },
            "backends": backends,
            "runtime": { "shards": 1 },
            "log": { "level": "warn" },
        });
        std::fs::write(&config, content.to_string())
            .with_context(|| format!("could not write {}", config.display()))?;
        let mut command = Command::new(self.mcpw());
        command.arg("gateway").arg("--config").arg(&config);
        command.envs(settings.iter().map(|(key, value)| (key, value)));
        let log = log(name)?;
        let gateway = Process::start(command, Some(cpu), &log)?;
        await_listening(listen, PATIENCE)
            .with_context(|| format!("the gateway, whose log is {}", log.display()))?;
        Ok((gateway, listen))
    }
}

/// What tokens of a run are signed with, and one of them.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    secret: String,
    pub(crate) token: String,
}

impl Key {
    const ID: &str = "bench";

    /// A key that nobody had before; `mcpw` of this folder signs its token.
    pub(crate) fn fresh(programs: &Path) -> Result<Self> {
        let mut octets = [0; 32];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut octets)?;
        let secret: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let mut token = Command::new(programs.join("mcpw"));
        token.args(["token", "--kid", Self::ID]).env("MCPW_SECRET", &secret);
        let token =
            token.output().with_context(|| format!("could not start {}", token.get_program().display()))?;
        ensure!(token.status.success(), "mcpw token: {}", String::from_utf8_lossy(&token.stderr));
        Ok(Self { secret, token: String::from_utf8(token.stdout)?.trim().to_owned() })
    }

    /// As it stands among the `auth.keys` of a gateway.
    pub(crate) fn setting(&self) -> Value {
        json!({ "id": Self::ID, "algorithm": "HS256", "secret": self.secret })
    }
}

/// The tools backend of this folder in a process of its own, on `cpu` alone if one is given; its ready line names the address in
/// `listening`.
pub(crate) fn tools(programs: &Path, cpu: Option<CoreId>, log: &Path) -> Result<Server> {
    let mut command = Command::new(programs.join("mcpw-tools"));
    command.args(["--root", ".", "--listen", "127.0.0.1:0"]).current_dir(workspace::root());
    command.env("RUST_LOG", "warn");
    Server::start(command, cpu, log)
}

/// Waits until somebody listens there.
pub(crate) fn await_listening(address: SocketAddr, patience: Duration) -> Result<()> {
    let until = Instant::now() + patience;
    while TcpStream::connect(address).is_err() {
        ensure!(Instant::now() < until, "nobody listens on {address} after {patience:?}");
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Waits until the gateway takes calls of the tools behind it: it dials its backends on its own time.
pub(crate) fn await_tools(gateway: &Endpoint, patience: Duration) -> Result<()> {
    let until = Instant::now() + patience;
    await_listening(gateway.address(), patience)?;
    let mut connection = Connection::open(gateway)?;
    for id in 1.. {
        connection.send_request(Wire::Json, id, Method::ToolList, "{}")?;
        let result = connection.receive_answer(Wire::Json, id)?;
        if result["tools"].as_array().is_some_and(|tools| tools.iter().any(|tool| tool["name"] == "echo")) {
            break;
        }
        ensure!(Instant::now() < until, "the backend's tools are not listed after {patience:?}: {result}");
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// The gateway's endpoint in one subprotocol.
pub(crate) fn endpoint(gateway: &Server, wire: Wire) -> Result<Endpoint> {
    Endpoint::gateway(gateway.ready("url")?, wire, gateway.ready("token")?)
}

/// What benches write to: there from here on.
pub(super) fn folder() -> Result<PathBuf> {
    let folder = workspace::target()?.join("bench");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    Ok(folder)
}

/// What standard error of a server of this name goes to.
pub(crate) fn log(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{name}.log")))
}

/// An address that nobody listens on at this moment.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
