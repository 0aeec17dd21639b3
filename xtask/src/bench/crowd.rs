//! Many connections at once, each with a session that can be resumed.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result, ensure};

use super::socket::{Connection, Endpoint};

/// Ports are scarce for one pair of addresses, so the connections come from several.
const SOURCES: u8 = 8;
/// How many handshakes are under way at once.
pub(crate) const BURST: u32 = 64;

/// Opens `count` connections, at most `burst` at a time.
///
/// # Errors
/// If one is refused, or its session can't be resumed.
pub(crate) fn open(endpoint: &Endpoint, count: u32, burst: u32) -> Result<Vec<Connection>> {
    ensure_descriptors(count)?;
    let mut connections = Vec::new();
    for first in (0..count).step_by(burst as usize) {
        let some = first..count.min(first + burst);
        connections
            .extend(open_side_by_side(endpoint, some).with_context(|| format!("after {first} connections"))?);
    }
    Ok(connections)
}

/// All upgrades, then all sessions.
fn open_side_by_side(endpoint: &Endpoint, numbers: std::ops::Range<u32>) -> Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for number in numbers {
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + (number % u32::from(SOURCES)) as u8));
        connections.push(Connection::knock(endpoint, Some(source))?);
    }
    for connection in &mut connections {
        connection.enter(endpoint)?;
    }
    for connection in &mut connections {
        connection.ask_for_session(endpoint)?;
    }
    for connection in &mut connections {
        connection.await_session(endpoint)?;
    }
    Ok(connections)
}

/// The gateway inherits the limit of open files, so it counts on both sides.
pub(crate) fn ensure_descriptors(connections: u32) -> Result<()> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let Some(limit) = line.split_ascii_whitespace().next().and_then(|soft| soft.parse::<u32>().ok()) else {
        // `unlimited`.
        return Ok(());
    };
    let needed = connections + 256;
    ensure!(limit >= needed, "{connections} connections need `ulimit -n {needed}`, the limit is {limit}");
    Ok(())
}
