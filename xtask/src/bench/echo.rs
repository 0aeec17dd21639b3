//! Server CPU for each echo: the gateway beside a bare fastwebsockets server, in turns, on the same CPU.

use std::time::Duration;

use anyhow::{Context, Result};

use super::budget::{Budgets, Spread, grouped};
use super::load::{self, Responder, Sample, Shape};
use super::secure::Security;
use super::socket::Endpoint;
use super::subject::{self, Programs};
use super::wire::Wire;
use crate::affinity::{Cpus, pin_thread};
use crate::server::Server;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How long one measurement takes.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How often each measurement is repeated.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Measures the gateway under TLS 1.3 too, with rows of its own.
    #[arg(long)]
    tls: bool,
    /// There each message has to be signed.
    #[arg(long, requires = "tls")]
    signed: bool,
}

const PING_PONG: Shape = Shape { connections: 64, in_flight: 1 };
const PIPELINED: Shape = Shape { connections: 16, in_flight: 256 };

/// A load and, where there is one, the gateway's budget for it in nanoseconds of CPU a message.
const LOADS: [(&str, Shape, Wire, Option<f64>); 4] = [
    ("ping-pong", PING_PONG, Wire::Json, None),
    ("ping-pong", PING_PONG, Wire::Binary, None),
    ("pipelined", PIPELINED, Wire::Json, Some(1_000.0)),
    ("pipelined", PIPELINED, Wire::Binary, Some(500.0)),
];

/// Under TLS, with messages that are signed or not.
const SECURE_LOADS: [(&str, Shape, Wire, Option<f64>); 4] = [
    ("ping-pong", PING_PONG, Wire::Json, None),
    ("ping-pong", PING_PONG, Wire::Binary, None),
    ("pipelined", PIPELINED, Wire::Json, None),
    ("pipelined", PIPELINED, Wire::Binary, Some(3_000.0)),
];

struct Subject {
    name: &'static str,
    server: Server,
    responder: Responder,
    security: Option<Security>,
}

impl Subject {
    fn endpoint(&self, wire: Wire) -> Result<Endpoint> {
        let endpoint = match self.responder {
            Responder::Mirror => Endpoint::bare(self.server.ready("url")?),
            Responder::Gateway => subject::endpoint(&self.server, wire),
        }?;
        Ok(match &self.security {
            Some(security) => endpoint.secured(security),
            None => endpoint,
        })
    }
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let subjects = [
        Subject {
            name: "fastwebsockets, a write for each frame",
            server: programs.baseline(cpus.server, false)?,
            responder: Responder::Mirror,
            security: None,
        },
        Subject {
            name: "fastwebsockets, coalesced",
            server: programs.baseline(cpus.server, true)?,
            responder: Responder::Mirror,
            security: None,
        },
        Subject {
            name: "mcpw",
            server: programs.gateway(cpus.server, &[])?,
            responder: Responder::Gateway,
            security: None,
        },
    ];
    println!(
        "server on CPU {}, load on CPU {}; {} rounds of {} s; ping-pong: {} connections, pipelined: {} connections × {} in flight",
        cpus.server.id,
        cpus.generator.id,
        options.rounds,
        options.seconds,
        PING_PONG.connections,
        PIPELINED.connections,
        PIPELINED.in_flight
    );
    println!(
        "{:<17} {:<39} {:>11} {:>22} {:>6} {:>6}",
        "load", "server", "messages/s", "CPU ns/message", "ratio", "busy"
    );
    compare(&subjects, &LOADS, options, budgets)?;
    if options.tls {
        drop(subjects);
        let (security, settings) = Security::fresh(options.signed)?;
        let subject = Subject {
            name: if options.signed { "mcpw, TLS 1.3, signed" } else { "mcpw, TLS 1.3" },
            server: programs.gateway(cpus.server, &settings)?,
            responder: Responder::Gateway,
            security: Some(security),
        };
        compare(&[subject], &SECURE_LOADS, options, budgets)?;
    }
    Ok(())
}

/// Puts each load on each server in turns.
fn compare(
    subjects: &[Subject],
    loads: &[(&str, Shape, Wire, Option<f64>)],
    options: &Options,
    budgets: &mut Budgets,
) -> Result<()> {
    for &(name, shape, wire, limit) in loads {
        let mut samples: Vec<_> = subjects.iter().map(|_| Vec::new()).collect();
        for _ in 0..options.rounds {
            for (subject, samples) in subjects.iter().zip(&mut samples) {
                let sample = measure(subject, wire, shape, options)
                    .with_context(|| format!("{name} {} at {}", wire.name(), subject.name))?;
                samples.push(sample);
            }
        }
        report(&format!("{name} {}", wire.name()), subjects, &samples, limit, budgets)?;
    }
    Ok(())
}

fn measure(subject: &Subject, wire: Wire, shape: Shape, options: &Options) -> Result<Sample> {
    let times = (Duration::from_millis(300), Duration::from_secs(options.seconds));
    load::measure(&subject.server.process, &subject.endpoint(wire)?, (subject.responder, wire), shape, times)
}

/// One line for each server; the first of them is the baseline of the ratio.
fn report(
    load: &str,
    subjects: &[Subject],
    samples: &[Vec<Sample>],
    limit: Option<f64>,
    budgets: &mut Budgets,
) -> Result<()> {
    let mut baseline = None;
    for (subject, samples) in subjects.iter().zip(samples) {
        let spread = |value: fn(&Sample) -> f64| Spread::of(samples.iter().map(value)).context("no rounds");
        let rate = spread(|sample| sample.messages_per_second)?;
        let cpu = spread(|sample| sample.cpu_nanos_per_message)?;
        let busy = spread(|sample| sample.busy)?;
        let ratio = cpu.median / *baseline.get_or_insert(cpu.median);
        let verdict = match limit {
            Some(limit) if subject.responder == Responder::Gateway => {
                format!("{} (< {limit:.0} ns)", budgets.judge(cpu.median, limit))
            }
            _ => String::new(),
        };
        let line = format!(
            "{load:<17} {:<39} {:>11} {:>22} {ratio:>6.2} {:>5.0}% {verdict}",
            subject.name,
            grouped(rate.median),
            cpu.to_string(),
            busy.median * 100.0,
        );
        println!("{}", line.trim_end());
    }
    Ok(())
}
