//! What an echo allocates: two runs of the gateway under valgrind, which counts what the process takes from its heap. They are alike
//! but for the number of echoes.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::budget::{Bound, Budgets, Spread, grouped};
use super::generator::{Generator, Target};
use super::subject::{self, Programs};
use crate::affinity::{Cpus, pin_thread};
use crate::server::{Server, dev};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How long a run takes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
}

/// What happens beside the echoes, such as timers of the control plane, is not quite the same in both runs.
const LIMIT: f64 = 0.01;

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let generator = Generator { programs, cpu: cpus.generator };
    println!(
        "\nAllocations of an echo, by valgrind: a run with few echoes and one with many, {} s each.",
        options.seconds
    );
    let time = Duration::from_secs(options.seconds);
    let few = measure(&generator, cpus, "--rate 20", time)?;
    let many = measure(&generator, cpus, "--depth 16", time)?;
    let (echoes, allocations) = (many.0 - few.0, many.1 - few.1);
    ensure!(echoes > 1_000.0, "only {echoes} more echoes in {time:?}");
    let each = allocations.max(0.0) / echoes;
    table::head(&[
        "echoes, few",
        "allocations then",
        "echoes, many",
        "allocations then",
        "allocations of an echo",
    ]);
    let whole = |number| grouped(number, 0);
    table::row(&[&whole(few.0), &whole(few.1), &whole(many.0), &whole(many.1), &format!("{each:.4}")]);
    budgets.judge("allocations of an echo", Spread::once(each), ("", 4), Bound::Below(LIMIT));
    Ok(())
}

/// How many echoes a run had, in JSON and then in binary, and how many allocations.
fn measure(generator: &Generator<'_>, cpus: Cpus, flow: &str, time: Duration) -> Result<(f64, f64)> {
    let log = subject::folder()?.join("valgrind.txt");
    let dev = dev(generator.programs.folder());
    let mut command = Command::new("valgrind");
    command.arg(format!("--log-file={}", log.display())).arg(dev.get_program()).args(dev.get_args());
    command.env("RUNTIME_SHARDS", "1").env("LOG_LEVEL", "error");
    let mut server = Server::start(command, Some(cpus.server), &subject::log("heap")?)
        .context("valgrind counts allocations: apt-get install --no-install-recommends valgrind")?;
    let target = Target::gateway(server.ready("url")?, server.ready("token")?);
    let mut answered = 0.0;
    for format in ["", "--binary"] {
        let scenario =
            format!("echo {format} {flow} --connections 4 --warm-up 0 --duration {}s", time.as_secs());
        answered += generator.run(&target, &scenario)?.answered()?;
    }
    server.process.interrupt()?;
    server.process.wait()?;
    let text = std::fs::read_to_string(&log).with_context(|| log.display().to_string())?;
    let usage = text.split_once("total heap usage: ").and_then(|(_, rest)| rest.split_once(" allocs"));
    let (count, _) = usage.with_context(|| format!("no heap usage in {}", log.display()))?;
    Ok((answered, count.replace(',', "").parse()?))
}
