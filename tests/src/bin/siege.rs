//! Twice ten thousand clients that never finish what they begin, and honest ones between them. `cargo xtask siege` builds and
//! starts it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "printing the figures is what it is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tests::{Figures, Process, Siege, program};

/// Half of the honest clients have to be quicker.
const BOUND: Duration = Duration::from_millis(50);
/// What else takes descriptors, here and at the gateway.
const OTHERS: usize = 128;

/// Holds slow handshakes and half frames open, measures how honest clients fare meanwhile, and what is left of it.
#[derive(Debug, Parser)]
#[command(name = "siege")]
struct Options {
    /// So many slow handshakes, and so many half frames.
    #[arg(long, default_value_t = 10_000)]
    each: usize,
    /// For how long they are held.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// The program mcpw; the one beside this program if none is given.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
}

fn main() -> ExitCode {
    program::end(run(&Options::parse()))
}

/// Whether honest clients came in as quickly as they are to, and nothing of the others is kept.
fn run(options: &Options) -> Result<bool> {
    let gateway = program::gateway(options.gateway.as_deref())?;
    let each = affordable(options.each)?;
    let hold = Duration::from_secs(options.seconds);
    let process = Process::start(&gateway.to_string_lossy(), |config| config.log.level = "info".to_owned());
    let figures = Siege { each, hold }.lay(&process, process.usage());
    show(each, options.seconds, &figures);
    let (is_quick, is_forgotten) = (figures.median() < BOUND, figures.is_forgotten());
    let word = |holds| if holds { "yes" } else { "NO" };
    println!("median under {} ms: {}", BOUND.as_millis(), word(is_quick));
    println!("memory where it was: {}", word(is_forgotten));
    Ok(is_quick && is_forgotten)
}

/// As many of each kind as there are descriptors for: the gateway has the same limit, and takes one for each.
fn affordable(each: usize) -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").context("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let limit = line.split_ascii_whitespace().next().and_then(|soft| soft.parse::<usize>().ok());
    let Some(limit) = limit.filter(|limit| *limit < 2 * each + OTHERS) else { return Ok(each) };
    let most = limit.saturating_sub(OTHERS) / 2;
    eprintln!("`ulimit -n` is {limit}, so there are {most} of each; {each} need {}", 2 * each + OTHERS);
    Ok(most)
}

fn show(each: usize, seconds: u64, figures: &Figures) {
    let mib = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    let [before, most, after] = figures.memory;
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let (count, last) = (figures.honest.len(), figures.honest.len() - 1);
    println!(
        "{each} slow handshakes and {each} half frames for {seconds} s, never fewer than {} descriptors",
        figures.held
    );
    println!("cut and come again     {} times", figures.returns);
    println!("CPU of the gateway     {:.1} % of a core", figures.load * 100.0);
    println!(
        "honest clients         {count}; connect to echo: median {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        ms(figures.median()),
        ms(figures.honest[last * 99 / 100]),
        ms(figures.honest[last])
    );
    println!(
        "resident memory        {:.1} MiB at first, {:.1} at most, {:.1} after it",
        mib(before),
        mib(most),
        mib(after)
    );
}
