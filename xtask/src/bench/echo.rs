//! Server CPU for each echo: the gateway beside bare servers, in turns, on the same CPU.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::baselines::{self, Baseline};
use super::budget::{Bound, Budgets, Spread, grouped};
use super::generator::{Generator, Target};
use super::secure::Security;
use super::subject::{self, Programs};
use super::wire::Wire;
use crate::affinity::{Cpus, pin_thread};
use crate::server::Server;
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How long one measurement takes, in milliseconds.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(200..))]
    pub(super) millis: u64,
    /// How often each measurement is repeated.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rounds: u64,
    /// Measures the gateway under TLS 1.3 with signed messages too, with rows of its own.
    #[arg(long)]
    pub(super) signed: bool,
    /// Measures libraries of Go beside it, which takes Go's tools.
    #[arg(long)]
    pub(super) go: bool,
}

/// How many connections, and how many requests each keeps under way.
#[derive(Clone, Copy, Debug)]
struct Load {
    name: &'static str,
    wire: Wire,
    connections: usize,
    depth: usize,
}

const fn load(name: &'static str, wire: Wire, connections: usize, depth: usize) -> Load {
    Load { name, wire, connections, depth }
}

const PING_PONG: &str = "ping-pong";
const PIPELINED: &str = "pipelined";
const LOADS: [Load; 4] = [
    load(PING_PONG, Wire::Json, 64, 1),
    load(PING_PONG, Wire::Binary, 64, 1),
    load(PIPELINED, Wire::Json, 16, 256),
    load(PIPELINED, Wire::Binary, 16, 256),
];
/// To bare fastwebsockets, with as many wake-ups for a message.
const PING_PONG_RATIO: f64 = 1.3;
/// How far ahead of the servers that others build on, pipelined.
const AHEAD: f64 = 5.0;
/// Nanoseconds for a binary message, pipelined, under TLS and signed.
const SIGNED_LIMIT: f64 = 3_000.0;

impl Load {
    /// CPU nanoseconds of the gateway for a message, and messages in a second of one core.
    fn limits(&self) -> Option<(f64, f64)> {
        match (self.name, self.wire) {
            (PIPELINED, Wire::Json) => Some((1_000.0, 1_000_000.0)),
            (PIPELINED, Wire::Binary) => Some((500.0, 2_000_000.0)),
            _ => None,
        }
    }

    fn title(&self) -> String {
        format!("{} {}", self.name, self.wire.name())
    }
}

/// A server, and whether the gateway is judged by it.
struct Subject {
    name: &'static str,
    server: Server,
    target: Target,
    role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Baseline,
    /// What the gateway has to be far ahead of.
    Rival,
    Gateway,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    per_second: f64,
    cpu_nanos: f64,
    /// CPU of the generator, as a part of one core.
    generator: f64,
}

const SIGNED: &str = "mcpw, TLS 1.3, signed";

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let generator = Generator { programs, cpu: cpus.generator };
    let mut subjects = Vec::new();
    for Baseline { name, command, is_rival } in baselines::commands(options.go)? {
        let server = Server::start(command, Some(cpus.server), &subject::log("baseline")?)?;
        let target = Target::bare(server.ready("url")?);
        let role = if is_rival { Role::Rival } else { Role::Baseline };
        subjects.push(Subject { name, server, target, role });
    }
    subjects.push(gateway("mcpw", programs.gateway(cpus.server, &[])?, None)?);
    println!(
        "\nEcho, server on CPU {}, load on CPU {}; {} rounds of {} ms. Ping-pong: 64 connections with one message each \
         under way; pipelined: 16 with 256 each. Ratio: CPU to that of fastwebsockets.",
        cpus.server.id, cpus.generator.id, options.rounds, options.millis
    );
    table::head(&["load", "server", "messages/s", "CPU ns/message", "ratio", "load's CPU", "budget"]);
    let mut details = Vec::new();
    for load in LOADS {
        details.extend(compare(&subjects, load, &generator, options, budgets)?);
    }
    if options.signed {
        subjects.clear();
        let (security, settings) = Security::fresh(true)?;
        let server = programs.gateway(cpus.server, &settings)?;
        let subjects = [gateway(SIGNED, server, Some(&security))?];
        for load in LOADS.into_iter().filter(|load| load.name == PIPELINED) {
            details.extend(compare(&subjects, load, &generator, options, budgets)?);
        }
    }
    budgets.detail("echo", details.into());
    Ok(())
}

fn gateway(name: &'static str, server: Server, security: Option<&Security>) -> Result<Subject> {
    let certificate = security.map(|security| security.certificate().to_owned());
    let target = Target { certificate, ..Target::gateway(server.ready("url")?, server.ready("token")?) };
    Ok(Subject { name, server, target, role: Role::Gateway })
}

/// Puts a load on each server in turns, and prints a row for each.
fn compare(
    subjects: &[Subject],
    load: Load,
    generator: &Generator<'_>,
    options: &Options,
    budgets: &mut Budgets,
) -> Result<Vec<serde_json::Value>> {
    let mut samples: Vec<_> = subjects.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.rounds {
        for (subject, samples) in subjects.iter().zip(&mut samples) {
            let sample = measure(subject, load, generator, options)
                .with_context(|| format!("{} at {}", load.title(), subject.name))?;
            samples.push(sample);
        }
    }
    let spread = |samples: &[Sample], value: fn(&Sample) -> f64| {
        Spread::of(samples.iter().map(value)).context("no rounds")
    };
    let costs: Vec<_> =
        samples.iter().map(|samples| spread(samples, |sample| sample.cpu_nanos)).collect::<Result<_>>()?;
    let bare = subjects.iter().position(|subject| subject.name == "fastwebsockets");
    let (mut details, title) = (Vec::new(), load.title());
    for (index, subject) in subjects.iter().enumerate() {
        let rate = spread(&samples[index], |sample| sample.per_second)?;
        let busy = spread(&samples[index], |sample| sample.generator)?;
        let cpu = costs[index];
        let ratio = bare.map(|bare| cpu.median / costs[bare].median);
        let budget = if subject.role == Role::Gateway {
            judge(subject, load, (cpu, rate), ratio, budgets)
        } else {
            String::new()
        };
        table::row(&[
            if index == 0 { &title } else { "" },
            subject.name,
            &grouped(rate.median, 0),
            &cpu.shown(0),
            &ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default(),
            &format!("{:.0} %", busy.median * 100.0),
            &budget,
        ]);
        details.push(json!({
            "load": load.title(), "server": subject.name, "messages_per_second": rate.json(), "cpu_nanos": cpu.json(),
            "generator_busy": busy.json(),
        }));
    }
    if load.name == PIPELINED && bare.is_some() {
        let mine = costs.last().context("the gateway is the last one")?.median;
        for (subject, cost) in subjects.iter().zip(&costs).filter(|(subject, _)| subject.role == Role::Rival)
        {
            let what = format!("{}: ahead of {}", load.title(), subject.name);
            budgets.judge(what, Spread::once(cost.median / mine), ("times", 1), Bound::AtLeast(AHEAD));
        }
    }
    Ok(details)
}

/// What the gateway has to hold under this load.
fn judge(
    subject: &Subject,
    load: Load,
    (cpu, rate): (Spread, Spread),
    ratio: Option<f64>,
    budgets: &mut Budgets,
) -> String {
    let title = load.title();
    if subject.name == SIGNED {
        let is_judged = load.name == PIPELINED && load.wire == Wire::Binary;
        let judged = is_judged.then(|| {
            budgets.judge(format!("{title}, TLS, signed: CPU"), cpu, ("ns", 0), Bound::Below(SIGNED_LIMIT))
        });
        return judged.unwrap_or_default();
    }
    if let Some((nanos, per_second)) = load.limits() {
        budgets.judge(format!("{title}: a second on one core"), rate, ("", 0), Bound::AtLeast(per_second));
        return budgets.judge(format!("{title}: CPU of a message"), cpu, ("ns", 0), Bound::Below(nanos));
    }
    let ratio = Spread::once(ratio.unwrap_or(f64::NAN));
    budgets.judge(
        format!("{title}: CPU to that of fastwebsockets"),
        ratio,
        ("times", 2),
        Bound::Below(PING_PONG_RATIO),
    )
}

/// CPU of the whole run, with its handshakes and its warm-up, over all messages of the run.
fn measure(subject: &Subject, load: Load, generator: &Generator<'_>, options: &Options) -> Result<Sample> {
    let Load { wire, connections, depth, .. } = load;
    let format = if wire == Wire::Binary { "--binary" } else { "" };
    let time = Duration::from_millis(options.millis);
    let scenario = format!(
        "echo {format} --connections {connections} --depth {depth} --spin --warm-up 300ms --duration {}ms",
        time.as_millis()
    );
    let before = subject.server.process.cpu_nanos()?;
    let outcome = generator.run(&subject.target, &scenario)?;
    let cpu = subject.server.process.cpu_nanos()? - before;
    Ok(Sample {
        per_second: outcome.number("/messages/0/per_second")?,
        cpu_nanos: cpu as f64 / outcome.answered()?,
        generator: outcome.busy()?,
    })
}
