//! A disk without room below the audit log: the gateway serves, and the log says what it lost once there is room again.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use tests::{Disk, Process, until};

use crate::MCPW;

const LOST: &str = "audit_lines_lost_total";

/// Whether the log is whole, and what it says.
fn verify(file: &Path) -> (bool, String) {
    let output = Command::new(MCPW).args(["audit", "verify"]).arg(file).output().expect("the program starts");
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn disk_full_and_then_room() {
    let disk = Disk::of_kib(64);
    let process = Process::through(&disk.command(), MCPW, |config| {
        config.audit.file = Some(disk.file("audit.jsonl"));
        config.security.trusted_proxies = vec!["127.0.0.0/8".to_owned()];
    });
    let mut comers = 0..;
    // Each from an address of its own: refusals of one would be told together.
    let mut refuse = || {
        let comer = Ipv4Addr::from_bits(Ipv4Addr::new(198, 18, 0, 0).to_bits() + comers.next().unwrap_or(0));
        let request = process.upgrade().replace("Authorization", "Bearer none");
        assert_eq!(process.ask(&request.with("X-Forwarded-For", &comer.to_string())).status, 401);
    };
    let mut client = process.connect();
    disk.fill(process.id());
    until("a line that is lost", || {
        // Decisions are made all the same.
        refuse();
        (process.metrics().value(LOST) > 0.0).then_some(())
    });
    for _ in 0..50 {
        refuse();
    }
    client.check_alive();
    process.connect().check_alive();
    assert_eq!(process.admin("/health/ready").status, 200);
    disk.empty(process.id());
    let file = disk.seen(process.id(), "audit.jsonl");
    let text = until("a line that tells of the loss", || {
        refuse();
        let text = std::fs::read_to_string(&file).expect("the log is there");
        (text.contains("\"event\":\"lost\"") && text.ends_with('\n')).then_some(text)
    });
    let lost = text.lines().filter(|line| line.contains("\"event\":\"lost\"")).map(|line| {
        let (_, rest) = line.split_once("\"count\":").expect("it says how many");
        rest.split([',', '}']).next().and_then(|count| count.parse::<f64>().ok()).expect("a number")
    });
    assert_eq!(lost.sum::<f64>(), process.metrics().value(LOST));
    let (is_whole, told) = verify(&file);
    assert!(is_whole, "{told}");
}
