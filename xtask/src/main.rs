//! What a person repeats: benches against the budgets, the conformance suite, fuzzing, the checks.
//! Knows the gateway only from outside: as a process, its sockets and its files under `/proc`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing is what a command-line tool is for")]

mod affinity;
mod bench;
mod book;
mod chaos;
mod check;
mod conformance;
mod deny;
mod dist;
mod fuzz;
mod generate;
mod instructions;
mod pictures;
mod scaling;
mod server;
mod siege;
mod table;
mod test;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "What a person repeats in this repository.")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Formatting, lints, documentation, generated files and dependencies: what must be clean before a merge.
    Check,
    /// Writes the files that are made from code, such as docs/metrics.md.
    Generate(generate::Options),
    /// Runs all tests, and installs what they need where it is missing.
    Test(test::Options),
    /// Runs the Autobahn test suite against the gateway's echo endpoint, or with --mcp the conformance suite of Model Context Protocol.
    Conformance(conformance::Options),
    /// Runs every fuzz target for a bounded time.
    Fuzz(fuzz::Options),
    /// Kills, cuts off and restarts gateways and Redis under load, and tells what was lost.
    Chaos(chaos::Options),
    /// Holds slow handshakes and half frames open by the thousand, and tells how honest clients fare.
    Siege(siege::Options),
    /// Draws the dashboards over pods under load, for the documentation.
    Pictures(pictures::Options),
    /// Packs a release: the programs, deploy/, docs/ and what belongs to them.
    Dist(dist::Options),
    /// Builds the pages of docs/ as a book.
    Book,
    /// Measures the gateway against its budgets.
    Bench(bench::Arguments),
    /// Counts the instructions of the hot paths, and holds them to what is written down.
    Instructions(instructions::Options),
    /// Reckons from measured costs what pods and their Redis carry, and holds docs/scaling.md to it.
    Scaling(scaling::Options),
    /// An echo server that does nothing else, a yardstick of the benches.
    #[command(hide = true)]
    ServeBaseline(bench::baselines::Options),
    /// A server that writes to many sockets, the yardstick of fan-out.
    #[command(hide = true)]
    ServeWrites(bench::writes::Options),
    /// A server of Model Context Protocol at its pipes, which the bridge is measured with.
    #[command(hide = true)]
    ServeStdio,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(code) => code,
        Err(error) => {
            // Without the backtrace that a returned error would bring along.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Bench(arguments) => return bench::run(&arguments),
        Task::Check => check::run(),
        Task::Generate(options) => generate::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Conformance(options) => conformance::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Chaos(options) => chaos::run(&options),
        Task::Siege(options) => siege::run(&options),
        Task::Pictures(options) => pictures::run(&options),
        Task::Dist(options) => dist::run(&options),
        Task::Book => book::run(),
        Task::Instructions(options) => instructions::run(&options),
        Task::Scaling(options) => scaling::run(&options),
        Task::ServeBaseline(options) => bench::baselines::serve(&options),
        Task::ServeWrites(options) => bench::writes::serve(&options),
        Task::ServeStdio => bench::stdio::serve(),
    }?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn every_command_can_be_parsed() {
        super::Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_bench_stands_in_the_readme() {
        let page = std::fs::read_to_string(crate::workspace::root().join("README.md"));
        let page = page.expect("the page is there");
        let all = super::Arguments::command();
        for task in all.get_subcommands().filter(|task| !task.is_hide_set()) {
            assert!(page.contains(&format!("cargo xtask {}", task.get_name())), "{}", task.get_name());
        }
        for bench in all.find_subcommand("bench").expect("there are benches").get_subcommands() {
            assert!(page.contains(&format!("`{}`", bench.get_name())), "bench {}", bench.get_name());
        }
    }
}
