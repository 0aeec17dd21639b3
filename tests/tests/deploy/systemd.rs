//! The unit of `deploy/systemd`, as systemd's own analyzer reads it.

use std::process::Command;

use gateway::Config;
use tempfile::TempDir;

use crate::{deploy, output, read};

/// What the shipped unit may be exposed at most, of 10.
const EXPOSURE: &str = "1.5";

fn analyze() -> Command {
    let found = Command::new("systemd-analyze").arg("--version").output();
    assert!(
        found.is_ok(),
        "there is no systemd-analyze; please run: apt-get install --no-install-recommends systemd"
    );
    let mut command = Command::new("systemd-analyze");
    command.env("NO_COLOR", "1").env("SYSTEMD_COLORS", "0");
    command
}

#[test]
fn systemd_finds_no_fault_with_the_unit() {
    // It asks for the programs of a unit.
    let unit = read(&deploy("systemd/mcpw.service"));
    let here = unit.replace("/usr/local/bin/mcpw", env!("CARGO_BIN_EXE_mcpw-under-test"));
    assert_ne!(unit, here);
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let file = folder.path().join("mcpw.service");
    std::fs::write(&file, here).expect("the folder is ours");
    let judged = output(analyze().args(["verify", "--man=no", "--recursive-errors=no"]).arg(&file));
    let said = String::from_utf8_lossy(&judged.stderr);
    assert!(judged.status.success() && !said.contains("mcpw.service"), "{said}");
}

#[test]
fn the_unit_is_shut_in() {
    let threshold = EXPOSURE.replace('.', "");
    let mut command = analyze();
    command.args(["security", "--no-pager", "--offline=true"]).arg(format!("--threshold={threshold}"));
    let judged = output(command.arg(deploy("systemd/mcpw.service")));
    let said = String::from_utf8_lossy(&judged.stdout);
    assert!(judged.status.success(), "more than {EXPOSURE}:\n{said}");
}

#[test]
fn the_unit_waits_for_the_drain() {
    let unit = read(&deploy("systemd/mcpw.service"));
    let value = |key: &str| {
        unit.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("no {key}"))
    };
    let seconds: u64 = value("TimeoutStopSec=").trim_end_matches('s').parse().expect("a number of seconds");
    let config = Config::default();
    let drain = config.drain.delay_ms + config.drain.timeout_ms + config.websocket.close_timeout_ms;
    assert!(seconds * 1_000 > drain, "{seconds} s are not more than {drain} ms");
    let descriptors: usize = value("LimitNOFILE=").parse().expect("a number");
    assert!(descriptors > config.websocket.max_connections, "a descriptor for each connection");
}
