//! A network that a bench has to itself. On loopback the kernel does the receiver's part of TCP on the account of whoever writes; a
//! server whose clients are elsewhere does not pay for that. In this network another CPU does it.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use core_affinity::CoreId;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::workspace::step;

/// Debian has `ip` where only root looks.
const PATHS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where `ip` keeps the networks that it has made.
const FOLDER: &str = "/run/netns";

/// A namespace with nothing but a loopback. The thread that made it is in it, with all that it starts, until this is dropped, which
/// has to happen on the same thread.
#[derive(Debug)]
pub(crate) struct Network {
    name: String,
    before: File,
}

impl Network {
    /// One in which `receiver` does the receiver's part. `None`, with a note on standard error, where it can't be made: that takes
    /// root and the program `ip`.
    pub(crate) fn enter(receiver: CoreId) -> Option<Self> {
        let made = Self::make(receiver);
        if let Err(error) = &made {
            eprintln!(
                "note: no network of its own ({error:#}); on the machine's loopback whoever writes pays for the receiver too, so that \
                 the figures are higher. It takes root, and iproute2"
            );
        }
        made.ok()
    }

    fn make(receiver: CoreId) -> Result<Self> {
        let before = File::open("/proc/thread-self/ns/net").context("no namespaces")?;
        let name = format!("mcpw-bench-{}", std::process::id());
        ip(&["netns", "add", &name])?;
        // Removed from here on, whatever fails.
        let network = Self { name, before };
        let name = &*network.name;
        ip(&["-netns", name, "link", "set", "lo", "up"])?;
        // Seen from inside, /sys is that network's.
        let steer = format!("echo {} > /sys/class/net/lo/queues/rx-0/rps_cpus", mask(receiver));
        ip(&["netns", "exec", name, "sh", "-c", &steer])?;
        let inside = File::open(Path::new(FOLDER).join(name))?;
        enter(&inside)?;
        Ok(network)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is left of it, if anything, goes with the machine.
        let _ = enter(&self.before);
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

/// One CPU as the kernel reads a set of them: in hex, with a comma between words of 32.
fn mask(cpu: CoreId) -> String {
    format!("{:x}{}", 1_u32 << (cpu.id % 32), ",00000000".repeat(cpu.id / 32))
}

fn enter(network: &File) -> Result<()> {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))
        .context("could not enter a network")
}

fn ip(arguments: &[&str]) -> Result<()> {
    step(Command::new("ip").env("PATH", PATHS).args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_one_cpu_is_written_in_words_of_32() {
        let masks = [0, 5, 31, 32, 69].map(|id| mask(CoreId { id }));
        assert_eq!(masks, ["1", "20", "80000000", "1,00000000", "20,00000000,00000000"]);
    }
}
