//! One gateway process that can be killed, or ended well, and started again at its addresses. Refuses to know who
//! connects.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::child::Child;
use super::network::Network;
use super::{Guard, Settings, ports};

/// From its start until it is ready.
const START: Duration = Duration::from_secs(30);
/// How long its operators' port may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// A pod, running or not.
#[derive(Debug)]
pub(super) struct Pod {
    /// Where clients connect.
    pub clients: SocketAddr,
    /// Metrics and health.
    pub admin: SocketAddr,
    /// Where backends register.
    pub grpc: SocketAddr,
    binary: PathBuf,
    config: PathBuf,
    log: PathBuf,
    network: Option<Arc<Network>>,
    child: Option<Child>,
    /// From SIGTERM to the end, in any case.
    drain: Duration,
}

impl Pod {
    /// Chooses addresses and writes the configuration; starts nothing. `redis` is the server's address as this pod
    /// has to dial it, `secret` the file with the key of the tokens.
    ///
    /// # Errors
    /// There is no free port, or the folder can't be written.
    pub(super) fn new(
        number: usize,
        settings: &Settings,
        folder: &Path,
        network: Option<Arc<Network>>,
        redis: &str,
        secret: &Path,
    ) -> Result<Self> {
        let host = network.as_ref().map_or(Ipv4Addr::LOCALHOST, |network| network.clients.there);
        let [clients, admin, grpc] = [(); 3].map(|()| ports::free(IpAddr::V4(host)));
        let (clients, admin, grpc) = (clients?, admin?, grpc?);
        let config = folder.join(format!("pod-{number}.yaml"));
        // YAML takes JSON.
        let text = json!({
            "websocket": {"listen": clients},
            "admin": {"listen": admin},
            "registry": {"listen": grpc},
            "auth": {"keys": [{"secret_file": secret}]},
            "store": {
                "kind": "redis",
                "redis": {"addresses": [redis]},
                "bounds": {"log_events": settings.log_events},
            },
            "session": {"resume_window_ms": settings.resume_window.as_millis() as u64},
            "pod": {"lease_ms": settings.lease.as_millis() as u64},
            "drain": {
                "delay_ms": settings.drain_delay.as_millis() as u64,
                "timeout_ms": settings.drain_timeout.as_millis() as u64,
                "rate": settings.drain_rate,
            },
            "runtime": {"shards": 2, "pin": false},
            "log": {"level": settings.log, "format": "json"},
        });
        std::fs::write(&config, format!("{text:#}"))
            .with_context(|| format!("could not write {}", config.display()))?;
        Ok(Self {
            clients,
            admin,
            grpc,
            binary: settings.gateway.clone(),
            config,
            log: folder.join(format!("pod-{number}.log")),
            network,
            child: None,
            drain: settings.drain_delay + settings.drain_timeout + START,
        })
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// It is not within 30 s, or ends.
    pub(super) fn start(&mut self, guard: &Guard) -> Result<()> {
        let mut command = match &self.network {
            Some(network) => network.command(&self.binary.to_string_lossy()),
            None => Command::new(&self.binary),
        };
        // The environment may hold settings of a gateway.
        if self.network.is_none() {
            command.env_clear();
        }
        command.args(["gateway", "--config"]).arg(&self.config);
        let mut child = Child::start(&mut command, guard, &self.log)?;
        let admin = self.admin;
        child.until("/health/ready to say so", START, || is_ready(admin).unwrap_or(false))?;
        self.child = Some(child);
        Ok(())
    }

    /// SIGKILL. It is gone on return.
    pub(super) fn kill(&mut self) {
        self.child = None;
    }

    /// SIGTERM, and waits for its end.
    ///
    /// # Errors
    /// It does not end in the time of its drain, or not well.
    pub(super) fn terminate(&mut self) -> Result<()> {
        self.child.take().map_or(Ok(()), |mut child| child.terminate(self.drain))
    }

    /// Whether it takes clients.
    pub(super) fn is_ready(&self) -> bool {
        is_ready(self.admin).unwrap_or(false)
    }
}

fn is_ready(admin: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&admin, ANSWER)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.write_all(b"GET /health/ready HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(&status == b"HTTP/1.1 200")
}
