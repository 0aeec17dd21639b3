//! A network namespace for one pod with two cables: one for clients, backends and operators, one for Redis alone, which
//! can be pulled out. Needs root and the program `ip`.

use std::net::Ipv4Addr;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

const IP: &str = "ip";
/// Debian has it where only root looks.
const PATHS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A cable between this machine and a namespace: two addresses in a net of four.
#[derive(Clone, Debug)]
pub(super) struct Cable {
    name: String,
    /// Of the end on this machine.
    pub here: Ipv4Addr,
    /// Of the end in the namespace.
    pub there: Ipv4Addr,
}

/// A namespace. Dropped, it is removed, and its cables with it.
#[derive(Debug)]
pub(super) struct Network {
    name: String,
    /// For everything but Redis.
    pub clients: Cable,
    /// For Redis.
    pub redis: Cable,
}

impl Network {
    /// What removes the namespace of this process, as a shell command, whether it is there or not.
    pub(super) fn removal() -> String {
        format!("PATH={PATHS} {IP} netns delete {}", name())
    }

    /// Whether a namespace can be made.
    ///
    /// # Errors
    /// There is no program `ip`, or this is not root; holds what to run instead.
    pub(super) fn check() -> Result<()> {
        if !Command::new(IP).env("PATH", PATHS).arg("-V").output().is_ok_and(|output| output.status.success())
        {
            bail!(
                "cutting a pod off needs the program ip; please run:\n  apt-get install --no-install-recommends iproute2"
            );
        }
        let id = Command::new("id").arg("--user").output().context("could not start id")?;
        ensure!(
            id.stdout.trim_ascii() == b"0",
            "cutting a pod off needs root, for a network namespace; please run it as root:\n  \
             sudo --preserve-env=PATH cargo xtask chaos --scenario partition"
        );
        Ok(())
    }

    /// Makes the namespace of this process.
    ///
    /// # Errors
    /// As of [`Self::check`].
    pub(super) fn make() -> Result<Self> {
        Self::check()?;
        // From the range that is set aside for measuring networks.
        let net = std::process::id() % 256;
        let cable = |kind: char, first: u8| {
            let address = |host| Ipv4Addr::new(198, 18, net as u8, first + host);
            Cable { name: format!("mc{}{kind}", std::process::id()), here: address(1), there: address(2) }
        };
        let network = Self { name: name(), clients: cable('c', 0), redis: cable('r', 4) };
        ip(&["netns", "add", &network.name])?;
        for cable in [&network.clients, &network.redis] {
            network.lay(cable)?;
        }
        ip(&["-n", &network.name, "link", "set", "lo", "up"])?;
        Ok(network)
    }

    fn lay(&self, cable: &Cable) -> Result<()> {
        let (here, space) = (&*cable.name, &*self.name);
        let there = format!("{here}x");
        ip(&["link", "add", here, "type", "veth", "peer", "name", &there, "netns", space])?;
        ip(&["address", "add", &format!("{}/30", cable.here), "dev", here])?;
        ip(&["-n", space, "address", "add", &format!("{}/30", cable.there), "dev", &there])?;
        ip(&["link", "set", here, "up"])?;
        ip(&["-n", space, "link", "set", &there, "up"])
    }

    /// `program` within the namespace, as the same process.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(IP);
        command.env_clear().env("PATH", PATHS).args(["netns", "exec", &self.name, program]);
        command
    }

    /// Pulls the cable to Redis out: what is sent is lost without a word, on connections that stay open.
    ///
    /// # Errors
    /// The cable is gone.
    pub(super) fn cut(&self) -> Result<()> {
        ip(&["link", "set", &self.redis.name, "down"])
    }

    /// Plugs it in again.
    ///
    /// # Errors
    /// The cable is gone.
    pub(super) fn heal(&self) -> Result<()> {
        ip(&["link", "set", &self.redis.name, "up"])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // With a process still in it, the namespace would keep its cables.
        let _ = ip(&["link", "delete", &self.clients.name]);
        let _ = ip(&["link", "delete", &self.redis.name]);
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn name() -> String {
    format!("mcpw-chaos-{}", std::process::id())
}

fn ip(arguments: &[&str]) -> Result<()> {
    let line = arguments.join(" ");
    let output = Command::new(IP).env("PATH", PATHS).args(arguments).output();
    let output = output.with_context(|| format!("could not start ip {line}"))?;
    ensure!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
