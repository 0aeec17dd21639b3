//! All benches whose budgets the design names, one after the other, in the short form that answers in minutes.

use std::time::Instant;

use anyhow::{Result, anyhow};

use super::budget::Budgets;
use super::subject::Programs;
use super::{calls, connect, echo, fanout, fleet, heap, idle, storm};

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// Draws the figures into docs/pictures.
    #[arg(long)]
    pub(super) plots: bool,
    /// Measures libraries of Go beside the others, which takes Go's tools.
    #[arg(long)]
    go: bool,
    /// How often each measurement is repeated.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
}

/// One bench.
type Step<'a> = (&'static str, Box<dyn Fn(&mut Budgets) -> Result<()> + Sync + 'a>);

/// Runs all. One that breaks off is a budget that does not hold, and the others go on.
pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) {
    let Options { rounds, go, .. } = *options;
    let idle = |seconds, tls| idle::Options { connections: 15_000, burst: super::crowd::BURST, seconds, tls };
    let steps: [Step<'_>; 9] = [
        (
            "echo",
            Box::new(move |budgets| {
                let options = echo::Options { millis: 400, rounds, signed: true, go };
                echo::run(&options, programs, budgets)
            }),
        ),
        (
            "calls",
            Box::new(move |budgets| {
                let options = calls::Options { seconds: 2, rounds, rate: 60_000, binary: false };
                calls::run(&options, programs, budgets)
            }),
        ),
        (
            "connect",
            Box::new(move |budgets| {
                let options = connect::Options { connections: 15_000, burst: 64, rounds };
                connect::run(&options, programs, budgets)
            }),
        ),
        (
            "storm",
            Box::new(move |budgets| {
                storm::run(&storm::Options { connections: 18_000, rounds }, programs, budgets)
            }),
        ),
        // Long enough for a round of pings.
        ("idle", Box::new(move |budgets| idle::run(&idle(33, false), programs, budgets))),
        ("idle --tls", Box::new(move |budgets| idle::run(&idle(5, true), programs, budgets))),
        (
            "fanout",
            Box::new(move |budgets| {
                let options =
                    fanout::Options { subscribers: 5_000, seconds: 1, rounds, binary: false, shared: false };
                fanout::run(&options, programs, budgets)
            }),
        ),
        ("heap", Box::new(move |budgets| heap::run(&heap::Options { seconds: 3 }, programs, budgets))),
        (
            "fleet",
            Box::new(move |budgets| {
                let options = fleet::Options { connections: 100_000, gateways: 6, seconds: 33 };
                fleet::run(&options, programs, budgets)
            }),
        ),
    ];
    for (name, step) in steps {
        let started = Instant::now();
        // A bench pins its thread, and the next one is to find all CPUs.
        let ended = std::thread::scope(|scope| {
            let running = scope.spawn(|| step(&mut *budgets));
            running.join().unwrap_or_else(|_| Err(anyhow!("it panicked")))
        });
        if let Err(error) = ended {
            println!("\n{name} broke off: {error:#}");
            budgets.broken(name);
        }
        eprintln!("{name}: {:.0} s", started.elapsed().as_secs_f64());
    }
}
