//! What a connection costs that does nothing: authenticated, with a session that can be resumed, one echo behind it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::budget::{Bound, Budgets, Spread, grouped};
use super::crowd;
use super::secure::Security;
use super::socket::Connection;
use super::subject::{self, Programs};
use super::wire::{Method, Wire};
use crate::affinity::{Cpus, pin_thread};
use crate::server::Process;
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections are held open. Each side needs a file descriptor for each.
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) connections: u32,
    /// How many handshakes are under way at once.
    #[arg(long, default_value_t = crowd::BURST, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) burst: u32,
    /// How long the idle connections are watched; two rounds of pings by default.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
    /// Under TLS 1.3.
    #[arg(long)]
    pub(super) tls: bool,
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
    let (security, mut settings) = Security::fresh_if(options.tls, false)?;
    settings.push(("WEBSOCKET_MAX_CONNECTIONS", limit.to_string()));
    let gateway = programs.gateway(cpus.server, &settings)?;
    let plain = subject::endpoint(&gateway, WIRE)?;
    let (endpoint, bytes_limit) = match &security {
        None => (plain, BYTES_LIMITS.0),
        Some(security) => (plain.secured(security), BYTES_LIMITS.1),
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
        "\n{} idle connections{}, authenticated, each with a session and an echo behind it; gateway on CPU {}, load on CPU {}.",
        grouped(count, 0),
        if options.tls { " under TLS 1.3" } else { "" },
        cpus.server.id,
        cpus.generator.id
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

    let per_connection = |bytes: u64| Spread::once((bytes as f64 - before as f64) / count);
    let percent = Spread::once(cpu as f64 / elapsed.as_nanos() as f64 / count * 100.0);
    table::head(&["an idle connection", "measured", "budget"]);
    let title = if options.tls { "idle connection, TLS" } else { "idle connection" };
    for (what, bytes) in [("resident memory", settled), ("the same after more traffic", after)] {
        let bytes = per_connection(bytes);
        let judged =
            budgets.judge(format!("{title}: {what}"), bytes, ("bytes", 0), Bound::Below(bytes_limit));
        table::row(&[what, &format!("{} bytes", bytes.shown(0)), &judged]);
    }
    let measured = format!(
        "{} % of a core, {} pings in {:.0} s",
        percent.shown(6),
        grouped(pings as f64, 0),
        elapsed.as_secs_f64()
    );
    let judged = if pings > 0 {
        budgets.judge(
            format!("{title}: CPU with 30 s pings"),
            percent,
            ("% of a core", 6),
            Bound::Below(CPU_LIMIT),
        )
    } else {
        String::new()
    };
    table::row(&["CPU", &measured, &judged]);
    table::row(&["connecting all of them", &format!("{:.1} s", opened.as_secs_f64()), ""]);
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
