//! HAProxy with its shipped configuration before any number of pods, and a socket at which it takes orders.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::child::Child;
use super::{Guard, Pod, ports};

const LIMIT: Duration = Duration::from_secs(15);

/// A running load balancer.
#[derive(Debug)]
pub(super) struct Balancer {
    /// Where clients connect.
    pub address: SocketAddr,
    orders: PathBuf,
    _child: Child,
}

impl Balancer {
    /// Starts it on a free port; it begins with all pods believed ready.
    ///
    /// # Errors
    /// There is no HAProxy, or it finds fault with the configuration.
    pub(super) fn start(guard: &Guard, folder: &Path, pods: &[Pod]) -> Result<Self> {
        let address = ports::free(Ipv4Addr::LOCALHOST.into())?;
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/lb/haproxy.cfg");
        let shipped = std::fs::read_to_string(&shipped)
            .with_context(|| format!("could not read {}", shipped.display()))?;
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, with_further_pods(&shipped, pods.len())?)?;
        // A socket's path has to be shorter than a folder's may be, so it is one from the folder.
        let further = folder.join("haproxy-orders.cfg");
        std::fs::write(&further, "global\n    stats socket unix@haproxy.sock mode 600 level admin\n")?;

        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin";
        let mut command = Command::new("haproxy");
        command.env_clear().env("PATH", path).env("MCPW_LISTEN", address.to_string()).current_dir(folder);
        for (number, pod) in (1..).zip(pods) {
            command.env(format!("MCPW_POD_{number}"), pod.clients.to_string());
            command.env(format!("MCPW_POD_{number}_ADMIN"), pod.admin.port().to_string());
        }
        command.arg("-db").arg("-f").arg(&file).arg("-f").arg(&further);
        let mut child = Child::start(&mut command, guard, &folder.join("haproxy.log"))
            .context("please run: apt-get install --no-install-recommends haproxy")?;
        child.until("HAProxy to take connections", LIMIT, || TcpStream::connect(address).is_ok())?;
        Ok(Self { address, orders: folder.join("haproxy.sock"), _child: child })
    }

    /// Breaks off every connection to the pod in this place.
    ///
    /// # Errors
    /// HAProxy does not take the order.
    pub(super) fn break_off(&self, pod: usize) -> Result<()> {
        for backend in ["by_cookie", "by_header"] {
            self.order(&format!("shutdown sessions server {backend}/pod-{}", pod + 1))?;
        }
        Ok(())
    }

    fn order(&self, line: &str) -> Result<()> {
        // The path of the socket itself may be too long, the one from its folder is not.
        let folder = std::fs::File::open(self.orders.parent().context("the socket is in a folder")?)?;
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&folder);
        let short = format!("/proc/self/fd/{descriptor}/haproxy.sock");
        let mut socket = UnixStream::connect(short).context("HAProxy takes no orders")?;
        socket.set_read_timeout(Some(LIMIT))?;
        writeln!(socket, "{line}")?;
        let mut said = String::new();
        socket.read_to_string(&mut said)?;
        ensure!(said.trim().is_empty(), "HAProxy answers `{line}` with: {}", said.trim());
        Ok(())
    }
}

/// The shipped text with lines for the pods after the second, made from those for the second.
fn with_further_pods(shipped: &str, pods: usize) -> Result<String> {
    ensure!(pods >= 2, "the shipped configuration is for two pods or more");
    let mut text = String::new();
    let mut copied = 0;
    for line in shipped.lines() {
        let _ = writeln!(text, "{line}");
        if line.trim_start().starts_with("server pod-2 ") {
            copied += 1;
            for number in 3..=pods {
                let further = line
                    .replace("pod-2", &format!("pod-{number}"))
                    .replace("MCPW_POD_2", &format!("MCPW_POD_{number}"));
                let _ = writeln!(text, "{further}");
            }
        }
    }
    ensure!(copied == 2, "each of the two backends of haproxy.cfg names pod-2 in one line");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_pod_stands_in_both_backends_of_the_shipped_file() {
        let shipped = include_str!("../../../deploy/lb/haproxy.cfg");
        let text = with_further_pods(shipped, 3).expect("the file is as expected");
        let added: Vec<_> = text.lines().filter(|line| line.contains("pod-3")).map(str::trim).collect();
        assert_eq!(
            added,
            [
                "server pod-3 \"${MCPW_POD_3}\" cookie pod-3 port \"${MCPW_POD_3_ADMIN}\"",
                "server pod-3 \"${MCPW_POD_3}\" port \"${MCPW_POD_3_ADMIN}\"",
            ]
        );
    }
}
