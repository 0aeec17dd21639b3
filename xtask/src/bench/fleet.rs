//! More connections than one process may have descriptors for: several gateways side by side, all connections resumable, with
//! pings, and a few of them active. Load comes from several processes and addresses.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::budget::{Bound, Budgets, Spread, grouped};
use super::generator::{Generator, Running, Target, sources};
use super::subject::Programs;
use crate::affinity::{Cpus, pin_thread};
use crate::server::Process;
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections over all gateways.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..))]
    pub(super) connections: u32,
    /// How many gateways. Each needs a file descriptor for each of its connections.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(super) gateways: u8,
    /// How long they are watched; the gateways ping every 30 s.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
}

/// So long the ramp may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// One in so many connections is active: it sends a message a second.
const ACTIVE: u32 = 100;
/// Longer than all of it takes; the load is ended before.
const FOREVER: &str = "20m";
const BYTES_LIMIT: f64 = 2_000.0;
/// Percent of a core.
const CPU_LIMIT: f64 = 0.001;

/// A gateway, and what its process had before the connections.
struct Member {
    process: Process,
    url: String,
    resident: u64,
    descriptors: usize,
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let generator = Generator { programs, cpu: cpus.generator };
    let key = programs.key()?;
    let (count, gateways) = (options.connections, u32::from(options.gateways));
    let active = count / ACTIVE;
    let mut members = Vec::new();
    for number in 0..gateways {
        let name = format!("fleet-{number}");
        let (process, listen) = programs.configured(&name, (&key, &[]), &[], cpus.server)?;
        let url = format!("ws://{listen}/ws");
        // Code that was never run costs memory the first time.
        generator
            .run(&Target::gateway(&url, &key.token), "echo --connections 50 --warm-up 0 --duration 200ms")?;
        let descriptors = settled(&process)?;
        members.push(Member { resident: process.resident_bytes()?, process, url, descriptors });
    }
    println!(
        "\n{} connections over {gateways} gateways on CPU {}, load on CPU {}: each with its token and a session that can be resumed, \
         {} of them with a message a second, the others with pings. Watched for {} s.",
        grouped(f64::from(count), 0),
        cpus.server.id,
        cpus.generator.id,
        grouped(f64::from(active), 0),
        options.seconds
    );

    let started = Instant::now();
    let mut load = Load { idle: Vec::new(), active: None };
    for (index, member) in (0..gateways).zip(&members) {
        // What does not divide goes to the first.
        let idle = count - active;
        let share = idle / gateways + u32::from(index < idle % gateways);
        let scenario = format!("idle --connections {share} --duration {FOREVER} {}", sources(index, share));
        let target = Target::gateway(&member.url, &key.token);
        load.idle.push(generator.start(&target, &scenario, &format!("fleet-load-{index}"))?);
    }
    let urls = members.iter().map(|member| member.url.clone()).collect();
    let target = Target { urls, ..Target::gateway("", &key.token) };
    let scenario = format!(
        "echo --connections {active} --rate {active} --warm-up 0 --duration {FOREVER} {}",
        sources(gateways, active)
    );
    load.active = Some(generator.start(&target, &scenario, "fleet-load-active")?);
    load.await_connections(&members, count)?;
    let opened = started.elapsed();
    // What the ramp has left behind settles.
    std::thread::sleep(Duration::from_secs(2));

    let cpu: Vec<_> = members.iter().map(|member| member.process.cpu_nanos()).collect::<Result<_>>()?;
    let watched = Instant::now();
    std::thread::sleep(Duration::from_secs(options.seconds));
    let elapsed = watched.elapsed().as_nanos() as f64;
    table::head(&[
        "process",
        "connections",
        "resident MiB",
        "bytes/connection",
        "CPU % of a core",
        "CPU %/connection",
    ]);
    let (mut bytes, mut percents) = (Vec::new(), Vec::new());
    let mut details = Vec::new();
    for (number, (member, cpu)) in members.iter().zip(cpu).enumerate() {
        let connections = (member.process.descriptors()? - member.descriptors) as f64;
        let resident = member.process.resident_bytes()?;
        let each = (resident as f64 - member.resident as f64) / connections;
        let busy = (member.process.cpu_nanos()? - cpu) as f64 / elapsed * 100.0;
        table::row(&[
            &format!("gateway {}", number + 1),
            &grouped(connections, 0),
            &format!("{:.1}", resident as f64 / f64::from(1 << 20)),
            &grouped(each, 0),
            &format!("{busy:.2}"),
            &format!("{:.6}", busy / connections),
        ]);
        bytes.push(each);
        percents.push(busy / connections);
        details.push(
            json!({ "connections": connections, "resident": resident, "bytes": each, "cpu_percent": busy }),
        );
    }
    let ended = load.end()?;
    println!(
        "\nAll opened in {:.1} s; {} pings answered; active ones: {} answers, p99 {:.2} ms.",
        opened.as_secs_f64(),
        grouped(ended.pings, 0),
        grouped(ended.answers, 0),
        ended.p99_micros / 1_000.0
    );
    ensure!(ended.pings > 0.0 || options.seconds < 35, "no ping in {} s", options.seconds);
    let name = grouped(f64::from(count), 0);
    let worst = |values: Vec<f64>| Spread::of(values).context("no gateways");
    let most = |spread: Spread| Spread { median: spread.max, ..spread };
    budgets.judge(
        format!("{name} connections: resumable, none lost"),
        Spread::once(ended.resumable),
        ("", 0),
        Bound::AtLeast(f64::from(count)),
    );
    budgets.judge(
        format!("{name} connections: memory of each, worst process"),
        most(worst(bytes)?),
        ("bytes", 0),
        Bound::Below(BYTES_LIMIT),
    );
    budgets.judge(
        format!("{name} connections: CPU of each, worst process"),
        most(worst(percents)?),
        ("% of a core", 6),
        Bound::Below(CPU_LIMIT),
    );
    budgets.detail("fleet", json!({ "opened_in_s": opened.as_secs_f64(), "gateways": details }));
    Ok(())
}

/// How many descriptors a process has when that does not change any more: connections have ended.
fn settled(process: &Process) -> Result<usize> {
    loop {
        let before = process.descriptors()?;
        std::thread::sleep(Duration::from_millis(300));
        if process.descriptors()? == before {
            return Ok(before);
        }
    }
}

/// The processes that make the load.
struct Load {
    idle: Vec<Running>,
    active: Option<Running>,
}

/// What the load has seen.
struct Ended {
    resumable: f64,
    pings: f64,
    answers: f64,
    p99_micros: f64,
}

impl Load {
    /// Waits until the gateways have so many connections. They are counted from outside, as descriptors.
    fn await_connections(&mut self, members: &[Member], count: u32) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let mut open = 0;
            for member in members {
                open += member.process.descriptors()?.saturating_sub(member.descriptors);
            }
            if open >= count as usize {
                return Ok(());
            }
            for running in self.idle.iter_mut().chain(&mut self.active) {
                ensure!(running.goes_on()?, "the load ended with {open} connections: {}", running.told());
            }
            ensure!(Instant::now() < until, "{open} of {count} connections are open after {PATIENCE:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Ends all of it.
    ///
    /// # Errors
    /// If a connection was refused or lost, or an answer is missing or wrong.
    fn end(self) -> Result<Ended> {
        for running in self.idle.iter().chain(&self.active) {
            running.interrupt()?;
        }
        let active = self.active.context("some are active")?.end()?;
        let mut ended = Ended {
            resumable: active.number("/connections/resumable")?,
            pings: active.number("/pings")?,
            answers: active.answered()?,
            p99_micros: active.number("/messages/0/latency/p99_us")?,
        };
        for running in self.idle {
            let outcome = running.end()?;
            ended.resumable += outcome.number("/connections/resumable")?;
            ended.pings += outcome.number("/pings")?;
        }
        Ok(ended)
    }
}
