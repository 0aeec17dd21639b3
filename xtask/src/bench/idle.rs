//! What a connection costs that does nothing: authenticated, with a session that can be resumed, one echo behind it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::budget::{Budgets, grouped};
use super::crowd;
use super::secure::Security;
use super::socket::Connection;
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
    #[arg(long, default_value_t = crowd::BURST, value_parser = clap::value_parser!(u32).range(1..))]
    burst: u32,
    /// How long the idle connections are watched; two rounds of pings by default.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Under TLS 1.3.
    #[arg(long)]
    tls: bool,
}

const WIRE: Wire = Wire::Json;
/// In the clear, and under TLS.
const BYTES_LIMITS: (f64, f64) = (2_000.0, 8_000.0);
/// Percent of one core.
const CPU_LIMIT: f64 = 0.001;

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    // One more than are opened: the first is closed at once, and its end may take a moment.
    let limit = options.connections + 1;
    let mut settings = vec![("WEBSOCKET_MAX_CONNECTIONS", limit.to_string())];
    let security = if options.tls { Some(Security::fresh(false)?) } else { None };
    settings.extend(security.iter().flat_map(|(_, settings)| settings.clone()));
    let gateway = programs.gateway(cpus.server, &settings)?;
    let plain = subject::endpoint(&gateway, WIRE)?;
    let (endpoint, bytes_limit) = match &security {
        None => (plain, BYTES_LIMITS.0),
        Some((security, _)) => (plain.secured(security), BYTES_LIMITS.1),
    };

    // The first connection brings pages of code into memory that no later one does.
    echo_all(&mut crowd::open(&endpoint, 1, 1)?, 1)?;
    let before = gateway.process.resident_bytes()?;

    let started = Instant::now();
    let mut connections = crowd::open(&endpoint, options.connections, options.burst)?;
    let opened = started.elapsed();
    echo_all(&mut connections, 1)?;
    let count = f64::from(options.connections);
    println!(
        "{} connections{}, authenticated, each with a session, in {opened:.1?}",
        grouped(count),
        if options.tls { " under TLS" } else { "" }
    );

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
    echo_all(&mut connections, 2)?;
    quiet(&gateway.process, &mut connections)?;
    let after = gateway.process.resident_bytes()?;

    let per_connection = |bytes: u64| (bytes as f64 - before as f64) / count;
    println!("resident before {}, after {} bytes", grouped(before as f64), grouped(settled as f64));
    let bytes = per_connection(settled);
    println!(
        "memory per connection   {:>9} bytes  {} (< {bytes_limit:.0})",
        grouped(bytes),
        budgets.judge(bytes, bytes_limit)
    );
    let bytes = per_connection(after);
    println!(
        "the same, after traffic {:>9} bytes  {} (< {bytes_limit:.0})",
        grouped(bytes),
        budgets.judge(bytes, bytes_limit)
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

/// One echo on each connection, one after the other. The sockets do not block from then on.
fn echo_all(connections: &mut [Connection], id: u64) -> Result<()> {
    let params = format!(r#"{{"n":{id}}}"#);
    for connection in connections {
        connection.stream.socket().set_nonblocking(false)?;
        connection.send_request(WIRE, id, Method::Echo, &params)?;
        let result = connection.receive_answer(WIRE, id).context("echo")?;
        ensure!(result == serde_json::json!({ "n": id }), "echo of {params} is {result}");
        connection.stream.socket().set_nonblocking(true)?;
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
