//! What a connection costs that does nothing: authenticated, its session open, one echo behind it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::budget::{Budgets, grouped};
use super::socket::{Connection, Endpoint};
use super::subject::{self, Programs};
use super::wire::{Method, Wire};
use crate::affinity::{Cpus, pin_thread};
use crate::server::Process;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections are held open. Each side needs a file descriptor for each.
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// How many handshakes are under way at once.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    burst: u32,
    /// How long the idle connections are watched; two rounds of pings by default.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
}

const WIRE: Wire = Wire::Json;
const BYTES_LIMIT: f64 = 2_000.0;
/// Percent of one core.
const CPU_LIMIT: f64 = 0.001;
/// Ports are scarce for one pair of addresses, so the connections come from several.
const SOURCES: u8 = 8;

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    ensure_descriptors(options.connections)?;
    // One more than are opened: the first is closed at once, and its end may take a moment.
    let limit = options.connections + 1;
    let gateway = programs.gateway(cpus.server, &[("WEBSOCKET_MAX_CONNECTIONS", limit.to_string())])?;
    let endpoint = subject::endpoint(&gateway, WIRE)?;

    // The first connection brings pages of code into memory that no later one does.
    drop(open(&endpoint, 0, 1)?);
    let before = gateway.process.resident_bytes()?;

    let started = Instant::now();
    let mut connections = Vec::new();
    while connections.len() < options.connections as usize {
        let first = u32::try_from(connections.len())?;
        let burst = options.burst.min(options.connections - first);
        connections
            .extend(open(&endpoint, first, burst).with_context(|| format!("after {first} connections"))?);
    }
    let count = f64::from(options.connections);
    println!("{} connections, authenticated, one echo each, in {:.1?}", grouped(count), started.elapsed());

    for connection in &connections {
        connection.stream.set_nonblocking(true)?;
    }
    quiet(&gateway.process, &mut connections)?;
    let settled = gateway.process.resident_bytes()?;

    let (cpu, started) = (gateway.process.cpu_nanos()?, Instant::now());
    let pings = watch(&mut connections, Duration::from_secs(options.seconds))?;
    let (cpu, elapsed) = (gateway.process.cpu_nanos()? - cpu, started.elapsed());
    ensure!(
        pings > 0 || options.seconds < 40,
        "no ping in {} s: the budget is for idle time with pings",
        options.seconds
    );

    // Still there, every one of them, and no larger after more traffic.
    echo_all(&mut connections)?;
    quiet(&gateway.process, &mut connections)?;
    let after = gateway.process.resident_bytes()?;

    let per_connection = |bytes: u64| (bytes as f64 - before as f64) / count;
    println!("resident before {}, after {} bytes", grouped(before as f64), grouped(settled as f64));
    let bytes = per_connection(settled);
    println!(
        "memory per connection   {:>9} bytes  {} (< {BYTES_LIMIT:.0})",
        grouped(bytes),
        budgets.judge(bytes, BYTES_LIMIT)
    );
    let bytes = per_connection(after);
    println!(
        "the same, after traffic {:>9} bytes  {} (< {BYTES_LIMIT:.0})",
        grouped(bytes),
        budgets.judge(bytes, BYTES_LIMIT)
    );
    let percent = cpu as f64 / elapsed.as_nanos() as f64 / count * 100.0;
    println!(
        "CPU per connection      {percent:>9.6} % of a core over {:.0} s and {} pings  {} (< {CPU_LIMIT} %)",
        elapsed.as_secs_f64(),
        grouped(pings as f64),
        budgets.judge(percent, CPU_LIMIT)
    );
    Ok(())
}

/// The gateway inherits the limit of open files, so it counts on both sides.
fn ensure_descriptors(connections: u32) -> Result<()> {
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

/// Opens connections side by side: all upgrades, then all sessions, then all echoes.
fn open(endpoint: &Endpoint, first: u32, count: u32) -> Result<Vec<Connection>> {
    let mut connections = Vec::new();
    for number in first..first + count {
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2 + (number % u32::from(SOURCES)) as u8));
        connections.push(Connection::knock(endpoint, Some(source))?);
    }
    for connection in &mut connections {
        connection.enter(endpoint)?;
    }
    for connection in &mut connections {
        connection.send_request(WIRE, 0, Method::Initialize, r#"{"client":"bench"}"#)?;
    }
    for connection in &mut connections {
        connection.receive_answer(WIRE, 0).context("initialize")?;
    }
    for connection in &mut connections {
        connection.send_request(WIRE, 1, Method::Echo, r#"{"n":1}"#)?;
    }
    for connection in &mut connections {
        let result = connection.receive_answer(WIRE, 1).context("echo")?;
        ensure!(result == serde_json::json!({ "n": 1 }), "echo of {{\"n\":1}} is {result}");
    }
    Ok(connections)
}

/// One echo on each connection, one after the other.
fn echo_all(connections: &mut [Connection]) -> Result<()> {
    for connection in connections {
        connection.stream.set_nonblocking(false)?;
        connection.send_request(WIRE, 2, Method::Echo, r#"{"n":2}"#)?;
        let result = connection.receive_answer(WIRE, 2).context("echo after the idle time")?;
        ensure!(result == serde_json::json!({ "n": 2 }), "echo of {{\"n\":2}} is {result}");
        connection.stream.set_nonblocking(true)?;
    }
    Ok(())
}

/// Waits until the server uses less than 2 % of its core for a second.
fn quiet(server: &Process, connections: &mut [Connection]) -> Result<()> {
    let second = Duration::from_secs(1);
    for _ in 0..60 {
        let before = server.cpu_nanos()?;
        watch(connections, second)?;
        if server.cpu_nanos()? - before < second.as_nanos() as u64 / 50 {
            return Ok(());
        }
    }
    anyhow::bail!("the server was still busy after 60 s without traffic")
}

/// Answers pings for this long, and returns how many came.
fn watch(connections: &mut [Connection], time: Duration) -> Result<u64> {
    let until = Instant::now() + time;
    let mut pings = 0;
    loop {
        for connection in &mut *connections {
            pings += connection.answer_pings(WIRE)?;
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(pings);
        }
        std::thread::sleep(left.min(Duration::from_millis(250)));
    }
}
