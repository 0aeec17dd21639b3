//! All connections of a gateway are gone at once, and all come back at once, each to take up its session.

use anyhow::{Context, Result};
use serde_json::json;

use super::budget::{Bound, Budgets, Spread, grouped};
use super::generator::{Generator, Target, sources};
use super::subject::Programs;
use crate::affinity::{Cpus, pin_thread};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many connections. Each side needs a file descriptor for each. The budget is for the default.
    #[arg(long, default_value_t = 18_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) connections: u32,
    /// How many storms.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rounds: u64,
}

const SECONDS: f64 = 4.0;

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let generator = Generator { programs, cpu: cpus.generator };
    let count = options.connections;
    let settings = [("WEBSOCKET_MAX_CONNECTIONS", (count + 1_000).to_string())];
    let gateway = programs.gateway(cpus.server, &settings)?;
    let target = Target::gateway(gateway.ready("url")?, gateway.ready("token")?);
    println!(
        "\nA storm: {} connections are reset at once and dialled again at once. Gateway on CPU {}, load on CPU {}; {} storms.",
        grouped(f64::from(count), 0),
        cpus.server.id,
        cpus.generator.id,
        options.rounds
    );
    table::head(&[
        "all back after s",
        "back after, p50 s",
        "p99 s",
        "resumed",
        "refused",
        "gateway CPU µs each",
        "load's CPU",
    ]);
    let scenario = format!("storm --connections {count} {}", sources(0, count));
    let mut rounds = Vec::new();
    for round in 0..options.rounds {
        let before = gateway.process.cpu_nanos()?;
        let outcome = generator.start(&target, &scenario, "storm")?.outcome()?;
        let cpu = (gateway.process.cpu_nanos()? - before) as f64 / 1_000.0 / (2.0 * f64::from(count));
        // Not all back in a minute is longer than any budget.
        let seconds = outcome.number("/storm/seconds").unwrap_or(f64::INFINITY);
        let number = |pointer| outcome.number(pointer);
        let (resumed, refused) = (number("/storm/resumed")?, number("/connections/refused")?);
        table::row(&[
            &format!("{seconds:.2}"),
            &format!("{:.2}", number("/storm/latency/p50_us")? / 1e6),
            &format!("{:.2}", number("/storm/latency/p99_us")? / 1e6),
            &grouped(resumed, 0),
            &grouped(refused, 0),
            &format!("{cpu:.1}"),
            &format!("{:.0} %", outcome.busy()? * 100.0),
        ]);
        if round == 0 {
            budgets.detail("storm", json!({ "histogram": outcome.histogram("/storm/latency") }));
        }
        rounds.push((seconds, refused, f64::from(count) - resumed));
    }
    let spread =
        |value: fn(&(f64, f64, f64)) -> f64| Spread::of(rounds.iter().map(value)).context("no rounds");
    let name = grouped(f64::from(count), 0);
    let most = |spread: Spread| Spread::once(spread.max);
    budgets.judge(
        format!("a storm of {name}: all back"),
        spread(|round| round.0)?,
        ("s", 2),
        Bound::Below(SECONDS),
    );
    for (what, value) in
        [("refused", most(spread(|round| round.1)?)), ("not resumed", most(spread(|round| round.2)?))]
    {
        budgets.judge(format!("a storm of {name}: {what}"), value, ("", 0), Bound::Below(1.0));
    }
    Ok(())
}
