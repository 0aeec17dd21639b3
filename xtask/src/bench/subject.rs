//! What is measured: the programs, built with the release profile, and how each is started for a bench.

use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use core_affinity::CoreId;

use super::socket::Endpoint;
use super::wire::Wire;
use crate::server::{Process, Server, dev};
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

    /// The tools backend in a process of its own; its ready line names the address in `listening`.
    pub(crate) fn tools(&self, cpu: CoreId) -> Result<Server> {
        let mut command = Command::new(self.folder.join("mcpw-tools"));
        command.args(["--root", ".", "--listen", "127.0.0.1:0"]).current_dir(workspace::root());
        command.env("RUST_LOG", "warn");
        Server::start(command, Some(cpu), &log("tools")?)
    }

    /// A signing key for one run, and a token that it has signed.
    pub(crate) fn key(&self) -> Result<Key> {
        let secret = secret()?;
        let mut token = Command::new(self.mcpw());
        token.args(["token", "--kid", "bench"]).env("MCPW_SECRET", &secret);
        let token = token.output().context("could not start mcpw token")?;
        ensure!(token.status.success(), "mcpw token: {}", String::from_utf8_lossy(&token.stderr));
        Ok(Key { secret, token: String::from_utf8(token.stdout)?.trim().to_owned() })
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
        let config = workspace::target()?.join("bench").join(format!("{name}.yaml"));
        // JSON is YAML.
        let content = serde_json::json!({
            "websocket": { "listen": listen },
            "admin": { "listen": "127.0.0.1:0" },
            "registry": { "listen": "127.0.0.1:0" },
            "auth": { "keys": [{ "id": "bench", "algorithm": "HS256", "secret": key.secret }] },
            "backends": backends,
            "runtime": { "shards": 1 },
            "log": { "level": "warn" },
        });
        std::fs::create_dir_all(config.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(&config, content.to_string())
            .with_context(|| format!("could not write {}", config.display()))?;
        let mut command = Command::new(self.mcpw());
        command.arg("gateway").arg("--config").arg(&config);
        command.envs(settings.iter().map(|(key, value)| (key, value)));
        let log = log(name)?;
        let gateway = Process::start(command, Some(cpu), &log)?;
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(listen).is_err() {
            ensure!(Instant::now() < until, "the gateway does not listen after 20 s, see {}", log.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok((gateway, listen))
    }
}

/// What tokens of a run are signed with, and one of them.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    secret: String,
    pub(crate) token: String,
}

/// The gateway's endpoint in one subprotocol.
pub(crate) fn endpoint(gateway: &Server, wire: Wire) -> Result<Endpoint> {
    Endpoint::gateway(gateway.ready("url")?, wire, gateway.ready("token")?)
}

/// What standard error of a server of this name goes to.
pub(crate) fn log(name: &str) -> Result<PathBuf> {
    Ok(workspace::target()?.join("bench").join(format!("{name}.log")))
}

/// A signing key for one run.
pub(crate) fn secret() -> Result<String> {
    let mut octets = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut octets)?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

/// An address that nobody listens on at this moment.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
