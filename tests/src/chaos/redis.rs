//! One redis-server that can be killed and started again at its port, with what it had written or without.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::child::Child;
use super::{Guard, ports};

const LIMIT: Duration = Duration::from_secs(15);

/// A server, running or killed.
#[derive(Debug)]
pub(super) struct Redis {
    port: u16,
    /// Where it listens besides loopback.
    further: Option<Ipv4Addr>,
    folder: PathBuf,
    child: Option<Child>,
}

impl Redis {
    /// Starts one on a free port that writes down all it takes before it answers.
    ///
    /// # Errors
    /// There is no redis-server, or it does not start.
    pub(super) fn start(guard: &Guard, folder: &Path, further: Option<Ipv4Addr>) -> Result<Self> {
        let port = ports::free(Ipv4Addr::LOCALHOST.into())?.port();
        let mut redis = Self { port, further, folder: folder.to_owned(), child: None };
        redis.run(guard, true)?;
        Ok(redis)
    }

    /// Where a pod with this address of the server reaches it.
    pub(super) fn address(&self, host: Ipv4Addr) -> String {
        format!("{host}:{}", self.port)
    }

    /// SIGKILL.
    pub(super) fn kill(&mut self) {
        self.child = None;
    }

    /// Starts it again, with all that it had.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn restart(&mut self, guard: &Guard) -> Result<()> {
        self.run(guard, true)
    }

    /// Starts it again, with nothing.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn restart_empty(&mut self, guard: &Guard) -> Result<()> {
        std::fs::remove_dir_all(self.data()).context("could not remove what Redis had written")?;
        self.run(guard, false)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("redis")
    }

    fn run(&mut self, guard: &Guard, keep: bool) -> Result<()> {
        let data = self.data();
        std::fs::create_dir_all(&data)?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(self.further.map(|address| address.to_string()));
        // Only whoever is at this machine reaches the addresses, and the server is gone in a minute.
        command.args(["--protected-mode", "no", "--save", "", "--dir"]).arg(&data);
        command.args(["--appendonly", if keep { "yes" } else { "no" }, "--appendfsync", "everysec"]);
        let mut child = Child::start(&mut command, guard, &self.folder.join("redis.log"))
            .context("please run: apt-get install --no-install-recommends redis-server")?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), self.port);
        child.until("redis-server to answer", LIMIT, || answers(address).unwrap_or(false))?;
        self.child = Some(child);
        Ok(())
    }
}

/// While it reads what it had written, it answers with an error.
fn answers(address: SocketAddr) -> Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(&answer == b"+PONG\r\n")
}
