//! The gateway against its budgets, measured from outside: CPU and memory of its process, answers at its socket.

pub(crate) mod baselines;
mod bridge;
pub(crate) mod budget;
mod calls;
mod connect;
mod context;
mod crowd;
mod echo;
pub(crate) mod events;
mod fanout;
mod fleet;
pub(crate) mod frames;
mod generator;
mod heap;
mod idle;
mod network;
mod plots;
mod postgres;
mod secure;
mod slow;
pub(crate) mod socket;
pub(crate) mod stdio;
mod storm;
mod stream;
pub(crate) mod subject;
mod suite;
mod svg;
pub(crate) mod wire;
pub(crate) mod writes;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use self::budget::Budgets;
use self::subject::Programs;
use crate::affinity::other_load;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    bench: Option<Bench>,
    #[command(flatten)]
    options: suite::Options,
    /// Ends with status 1 if a budget does not hold; the last line names those that don't.
    #[arg(long, global = true)]
    check: bool,
    /// Measures the programs in this folder instead of building them.
    #[arg(long, value_name = "FOLDER", global = true)]
    programs: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Bench {
    /// Memory and CPU of connections that do nothing.
    Idle(idle::Options),
    /// Server CPU for each echo, beside bare servers.
    Echo(echo::Options),
    /// Tool calls through the gateway to a backend process and back, in a closed loop and at a fixed rate.
    Calls(calls::Options),
    /// Tool calls of a server behind pipes, through gateway and bridge, beside the same at its pipes.
    Bridge(bridge::Options),
    /// Connections set up in a second.
    Connect(connect::Options),
    /// All connections are gone at once, and come back at once.
    Storm(storm::Options),
    /// A hundred thousand connections over several gateways.
    Fleet(fleet::Options),
    /// What an echo allocates.
    Heap(heap::Options),
    /// The methods of contexts, over a hundred thousand of them in each database.
    Context(context::Options),
    /// Events to thousands of subscribers.
    Fanout(fanout::Options),
    /// Memory of subscribers that stop reading for a while.
    Slow(slow::Options),
}

impl Bench {
    fn name(&self) -> &'static str {
        match self {
            Self::Idle(_) => "idle",
            Self::Echo(_) => "echo",
            Self::Calls(_) => "calls",
            Self::Bridge(_) => "bridge",
            Self::Connect(_) => "connect",
            Self::Storm(_) => "storm",
            Self::Fleet(_) => "fleet",
            Self::Heap(_) => "heap",
            Self::Context(_) => "context",
            Self::Fanout(_) => "fanout",
            Self::Slow(_) => "slow",
        }
    }

    fn run(&self, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
        match self {
            Self::Idle(options) => idle::run(options, programs, budgets),
            Self::Echo(options) => echo::run(options, programs, budgets),
            Self::Calls(options) => calls::run(options, programs, budgets),
            Self::Bridge(options) => bridge::run(options, programs, budgets),
            Self::Connect(options) => connect::run(options, programs, budgets),
            Self::Storm(options) => storm::run(options, programs, budgets),
            Self::Fleet(options) => fleet::run(options, programs, budgets),
            Self::Heap(options) => heap::run(options, programs, budgets),
            Self::Context(options) => context::run(options, programs, budgets),
            Self::Fanout(options) => fanout::run(options, programs, budgets),
            Self::Slow(options) => slow::run(options, programs, budgets),
        }
    }
}

/// Measures, writes the figures into a file, and judges them; the last line on standard output is the judgement.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let programs = Programs::ready(arguments.programs.as_deref())?;
    let load = other_load()?;
    let name = arguments.bench.as_ref().map_or("suite", Bench::name);
    let mut budgets = Budgets::default();
    match &arguments.bench {
        Some(bench) => bench.run(&programs, &mut budgets)?,
        None => suite::run(&arguments.options, &programs, &mut budgets),
    }
    let mut figures = budgets.json();
    figures["machine"] = machine(load);
    let file = subject::folder()?.join(format!("{name}.json"));
    std::fs::write(&file, format!("{figures:#}")).with_context(|| file.display().to_string())?;
    if arguments.bench.is_none() && arguments.options.plots {
        plots::draw(&figures)?;
    }
    println!("\nBudgets, each judged by its median (least–most):");
    budgets.print();
    println!("\nAll figures: {}", file.display());
    let shortfall = budgets.shortfall();
    println!("{}", shortfall.clone().unwrap_or_else(|| format!("all budgets hold ({})", budgets.count())));
    Ok(if arguments.check && shortfall.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Where it was measured.
fn machine(load: f64) -> Value {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    json!({
        "cpu": cpu.trim_start_matches([' ', '\t', ':']),
        "cpus": std::thread::available_parallelism().map_or(1, usize::from),
        "kernel": read("/proc/sys/kernel/osrelease").trim(),
        "other_programs_percent": load.round(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn check_is_for_all_of_them_and_plots_are_the_suites() {
        for line in
            ["bench --check", "bench echo --check", "bench idle --tls --check", "bench --plots --check"]
        {
            let line = Line::try_parse_from(line.split(' ')).expect(line);
            assert!(line.arguments.check);
        }
        Line::try_parse_from("bench --plots echo".split(' ')).expect_err("one bench has no pictures");
    }
}
