//! The files as they are shipped.

use gateway::Config;
use tempfile::TempDir;

use crate::balancer::{Program, nginx_elsewhere};

#[test]
fn haproxy_finds_no_fault_with_the_shipped_file() {
    let output = Program::HAProxy.command().arg("-c").arg("-f").arg(Program::HAProxy.shipped()).output();
    let output = output.expect("haproxy can be started");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("[WARNING]"), "{said}");
}

#[test]
fn nginx_finds_no_fault_with_the_shipped_file() {
    // It writes its files even for a check, which only root may do where the shipped file says.
    let folder = TempDir::new().expect("the system has a folder for temporary files");
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, nginx_elsewhere(folder.path(), &[])).expect("the folder is ours");
    let output = Program::Nginx.command().args(["-t", "-e", "stderr", "-c"]).arg(&file).output();
    let output = output.expect("nginx can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("[emerg]"), "{said}");
}

#[test]
fn connections_may_be_idle_for_longer_than_between_two_pings() {
    let pings = Config::default().websocket;
    let needed = (pings.ping_interval_ms + pings.pong_timeout_ms) / 1_000;
    for (program, setting) in [
        (Program::HAProxy, "timeout tunnel "),
        (Program::Nginx, "proxy_read_timeout "),
        (Program::Nginx, "proxy_send_timeout "),
    ] {
        let text = std::fs::read_to_string(program.shipped()).expect("the file is shipped");
        let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(setting));
        let value = lines.next().unwrap_or_else(|| panic!("{program:?} has {setting}")).trim_end_matches(';');
        assert_eq!(lines.next(), None, "{program:?} has one {setting}");
        let (number, unit) = value.split_at(value.len() - 1);
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => panic!("{value} has a unit"),
        } * number.parse::<u64>().expect("a number before the unit");
        assert!(seconds > needed, "{program:?}: {setting}{value} is no more than {needed} s");
    }
}
