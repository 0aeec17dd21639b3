//! Server CPU for each event that reaches a subscriber, beside a bare write of the same octets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::budget::{Bound, Budgets, Spread, grouped};
use super::crowd;
use super::events::{Published, Subscriber};
use super::network::Network;
use super::socket::Connection;
use super::subject::{self, Programs};
use super::wire::Wire;
use super::writes::Readers;
use crate::affinity::{Cpus, pin_thread};
use crate::server::Process;
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections subscribe. The budgets are for the default.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) subscribers: u32,
    /// How long one measurement takes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
    /// How often each measurement is repeated.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rounds: u64,
    /// Subscribes and publishes over mcp.v1.binary instead of mcp.v1.
    #[arg(long)]
    pub(super) binary: bool,
    /// On the machine's loopback, where whoever writes does the receiver's part of TCP too.
    #[arg(long)]
    pub(super) shared: bool,
}

/// How many events are published at once, and what one delivery may cost then, in microseconds of CPU.
const LOADS: [(&str, usize, f64); 2] = [("bursts of 10", 10, 1.0), ("single events", 1, 6.0)];
/// Bytes of padding in each event's data.
const PADDING: usize = 32;
/// How long an event may take to all subscribers.
const PATIENCE: Duration = Duration::from_secs(20);

struct Sample {
    deliveries_per_second: f64,
    cpu_micros: f64,
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let network = if options.shared { None } else { Network::enter(cpus.generator) };
    let count = options.subscribers;
    crowd::ensure_descriptors(2 * count)?;
    let wire = if options.binary { Wire::Binary } else { Wire::Json };
    let writes = programs.writes(cpus.server, count)?;
    let limit = (count + 1).to_string();
    let gateway = programs.gateway(cpus.server, &[("WEBSOCKET_MAX_CONNECTIONS", limit)])?;
    let endpoint = subject::endpoint(&gateway, wire)?;
    let mut fanout = Fanout {
        readers: Readers::connect(writes.ready("address")?, count)?,
        publisher: Connection::open(&endpoint)?,
        subscribers: Subscriber::all(crowd::open(&endpoint, count, crowd::BURST)?, wire)?,
        published: Published::new(wire, PADDING),
        frame: 0,
        space: vec![0; 64 * 1024],
    };
    println!(
        "\nEvents to {} subscribers over {}: gateway on CPU {}, load on CPU {}, which {} the receivers' part of TCP; {} rounds of {} s.",
        grouped(f64::from(count), 0),
        wire.name(),
        cpus.server.id,
        cpus.generator.id,
        if network.is_some() { "does" } else { "does not do" },
        options.rounds,
        options.seconds
    );
    table::head(&["published", "server", "deliveries/s", "CPU µs/delivery", "ratio", "budget"]);
    let time = Duration::from_secs(options.seconds);
    for (name, burst, limit) in LOADS {
        let (mut bare, mut samples) = (Vec::new(), Vec::new());
        // The first event tells how long a frame is.
        fanout.publish(burst)?;
        for _ in 0..options.rounds {
            bare.push(fanout.measure(&writes.process, burst, time, Fanout::write)?);
            samples.push(fanout.measure(&gateway.process, burst, time, Fanout::publish)?);
        }
        let baseline = report(name, "bare writes", &bare, None, budgets)?;
        report(name, "mcpw", &samples, Some((baseline, limit)), budgets)?;
    }
    Ok(())
}

/// One row; returns the CPU time of a delivery. The gateway has a baseline and a limit.
fn report(
    load: &str,
    server: &str,
    samples: &[Sample],
    judged: Option<(f64, f64)>,
    budgets: &mut Budgets,
) -> Result<f64> {
    let spread = |value: fn(&Sample) -> f64| Spread::of(samples.iter().map(value)).context("no rounds");
    let cpu = spread(|sample| sample.cpu_micros)?;
    let verdict = judged
        .map(|(_, limit)| {
            budgets.judge(format!("events, {load}: CPU of a delivery"), cpu, ("µs", 2), Bound::Below(limit))
        })
        .unwrap_or_default();
    table::row(&[
        if judged.is_none() { load } else { "" },
        server,
        &grouped(spread(|sample| sample.deliveries_per_second)?.median, 0),
        &cpu.shown(2),
        &format!("{:.2}", cpu.median / judged.map_or(cpu.median, |(baseline, _)| baseline)),
        &verdict,
    ]);
    Ok(cpu.median)
}

struct Fanout {
    readers: Readers,
    publisher: Connection,
    subscribers: Vec<Subscriber>,
    published: Published,
    /// Octets of an event's frame.
    frame: usize,
    space: Vec<u8>,
}

impl Fanout {
    /// Has one burst delivered, waits until all have it, and so on.
    fn measure(
        &mut self,
        server: &Process,
        burst: usize,
        time: Duration,
        deliver: fn(&mut Self, usize) -> Result<()>,
    ) -> Result<Sample> {
        // What was not used for a while is slow the first time.
        deliver(self, burst)?;
        let (mut events, cpu, started) = (0, server.cpu_nanos()?, Instant::now());
        while started.elapsed() < time {
            deliver(self, burst)?;
            events += burst;
        }
        let (cpu, elapsed) = (server.cpu_nanos()? - cpu, started.elapsed());
        let deliveries = events as f64 * self.subscribers.len() as f64;
        Ok(Sample {
            deliveries_per_second: deliveries / elapsed.as_secs_f64(),
            cpu_micros: cpu as f64 / 1_000.0 / deliveries,
        })
    }

    /// As many octets as the events have, by the yardstick.
    fn write(&mut self, count: usize) -> Result<()> {
        self.readers.burst(count * self.frame, &mut self.space, PATIENCE)
    }

    fn publish(&mut self, count: usize) -> Result<()> {
        self.published.publish(&mut self.publisher, count)?;
        let (all, until) = (self.published.count(), Instant::now() + PATIENCE);
        loop {
            let mut missing = 0;
            for subscriber in self.subscribers.iter_mut().filter(|subscriber| subscriber.count() < all) {
                subscriber.read(&mut self.published, &mut self.space)?;
                missing += usize::from(subscriber.count() < all);
            }
            if missing == 0 {
                break;
            }
            ensure!(Instant::now() < until, "{missing} subscribers lack an event after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        self.frame = self.published.frame_len();
        self.published.forget();
        Ok(())
    }
}
