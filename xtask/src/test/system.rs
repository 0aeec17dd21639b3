//! The programs that tests and counts start besides ours: Python, Node, curl, Redis, PostgreSQL, load balancers, what bends clocks
//! and disks, what judges `deploy/`, and what counts instructions. Knows how Debian and Ubuntu install them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::workspace::step;

/// A program, how to see that it is there, and the packages that bring it.
pub(crate) struct Need {
    name: &'static str,
    probe: &'static [&'static str],
    packages: &'static [&'static str],
}

/// What counts instructions.
pub(crate) const VALGRIND: Need =
    Need { name: "Valgrind", probe: &["valgrind", "--version"], packages: &["valgrind"] };

/// What the tests need.
pub(crate) const TESTS: [Need; 12] = [
    Need {
        name: "Python 3.10 or later with venv",
        probe: &["python3", "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))"],
        packages: &["python3", "python3-venv"],
    },
    Need {
        name: "Node 20 or later",
        probe: &["node", "-e", "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"],
        packages: &["nodejs", "ca-certificates"],
    },
    // `--json` came with 7.82.
    Need { name: "curl", probe: &["curl", "--json", "", "--version"], packages: &["curl"] },
    Need { name: "npm", probe: &["npm", "--version"], packages: &["npm"] },
    // Started by the tests on ports of their own, as a single server, with sentinels and as a cluster.
    Need { name: "redis-server", probe: &["redis-server", "--version"], packages: &["redis-server"] },
    // Started by the tests on ports of their own. Its programs are in no folder of the PATH.
    Need {
        name: "PostgreSQL",
        probe: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb /usr/lib/postgresql/*/bin/psql"],
        packages: &["postgresql"],
    },
    // A library that tests have the gateway load, so that its clock jumps. It is in a folder of the architecture's.
    Need {
        name: "libfaketime",
        probe: &["sh", "-c", "ls /usr/lib/*/faketime/libfaketimeMT.so.1"],
        packages: &["faketime"],
    },
    // Gives a process a disk of its own.
    Need { name: "unshare", probe: &["unshare", "--version"], packages: &["util-linux"] },
    // Debian has them where only root looks.
    Need { name: "nginx", probe: &["sh", "-c", "PATH=$PATH:/usr/sbin nginx -v"], packages: &["nginx-light"] },
    Need { name: "HAProxy", probe: &["sh", "-c", "PATH=$PATH:/usr/sbin haproxy -v"], packages: &["haproxy"] },
    // Both its promtool and the server itself are started.
    Need { name: "promtool", probe: &["promtool", "--version"], packages: &["prometheus"] },
    // Its analyzer works where systemd does not run.
    Need { name: "systemd-analyze", probe: &["systemd-analyze", "--version"], packages: &["systemd"] },
];

/// Installs what is missing of `needs`, after saying so. `who` needs it: "the tests need", as the messages say.
///
/// # Errors
/// Only root may install: for anyone else the error holds the command to run. Also if the installation fails,
/// or brings a version that is too old.
pub(crate) fn install_missing(who: &str, needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    let names = names(&missing);
    let packages: Vec<_> = missing.iter().flat_map(|need| need.packages).copied().collect();
    let line =
        format!("apt-get update && apt-get install --yes --no-install-recommends {}", packages.join(" "));
    if !answers(&["apt-get", "--version"]) {
        bail!("{who} {names}, and there is no apt-get here to install it: please do it yourself");
    }
    if !is_root() {
        bail!("{who} {names}; please run:\n  sudo sh -c '{line}'");
    }
    eprintln!("{who} {names}. Installing: {}", packages.join(" "));
    step(apt().args(["--quiet", "update"]))?;
    step(apt().args(["--quiet", "install", "--yes", "--no-install-recommends"]).args(&packages))?;
    let missing = self::missing(needs);
    if !missing.is_empty() {
        bail!("{who} {}, which apt-get did not bring: please install it yourself", self::names(&missing));
    }
    Ok(())
}

fn missing(needs: &[Need]) -> Vec<&Need> {
    needs.iter().filter(|need| !answers(need.probe)).collect()
}

fn names(needs: &[&Need]) -> String {
    needs.iter().map(|need| need.name).collect::<Vec<_>>().join(", ")
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("--user").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn answers(command: &[&str]) -> bool {
    let [program, arguments @ ..] = command else { return false };
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
