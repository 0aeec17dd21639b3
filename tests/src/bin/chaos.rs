//! A fleet under load and under harm, and a ledger of what was lost. `cargo xtask chaos` builds and starts it.
#![allow(clippy::print_stdout, reason = "printing the ledger is what it is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tests::chaos::{self, Scenario, Settings};
use tests::program;

/// Kills gateways and Redis under load, cuts a gateway off, restarts all, and tells what was lost by it.
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Options {
    /// How long the load lasts; all scenarios share it, but each does its harm at least once.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Repeats who is hit and when; a fresh one if none is given.
    #[arg(long)]
    seed: Option<u64>,
    /// Only this one.
    #[arg(long)]
    scenario: Option<Scenario>,
    /// Clients, all of which call.
    #[arg(long, default_value_t = 200)]
    clients: usize,
    /// So many of the clients subscribe to all events.
    #[arg(long, default_value_t = 20)]
    subscribers: usize,
    /// Calls a second, by all clients together.
    #[arg(long, default_value_t = 1_000)]
    calls: u32,
    /// Events published a second; 0 for none.
    #[arg(long, default_value_t = 500)]
    events: u32,
    /// drain.rate of the gateways.
    #[arg(long, default_value_t = 60)]
    drain_rate: u32,
    /// log.level of the gateways.
    #[arg(long, default_value = "info")]
    log: String,
    /// The program mcpw; the one beside this program if none is given.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// Where configurations and logs are left.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    program::end(run(Options::parse()))
}

/// Whether nothing was lost.
fn run(options: Options) -> Result<bool> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from(getrandom::u32().context("the system has no randomness")?),
    };
    let folder = options.folder.clone().unwrap_or_else(|| std::env::temp_dir().join("mcpw-chaos"));
    let folder = std::path::absolute(folder)?;
    let scenarios = options.scenario.map_or(Scenario::ALL.to_vec(), |one| vec![one]);
    for scenario in &scenarios {
        scenario.check()?;
    }
    println!("seed {seed}; logs are in {}", folder.display());
    println!(
        "{} clients, of which {} subscribe: 500 events a second to each client would be more than two cores take",
        options.clients, options.subscribers
    );
    let all = Duration::from_secs(options.seconds);
    let mut lost = Vec::new();
    for &scenario in &scenarios {
        let lasting = if options.scenario.is_some() { all } else { scenario.share(all) };
        println!("\n{scenario}");
        let settings = settings(&options, folder.join(scenario.to_string()))?;
        let ledger = chaos::run(scenario, &settings, lasting, seed)?;
        print!("{ledger}");
        lost.extend(ledger.lost().iter().map(|what| format!("{what} ({scenario})")));
    }
    println!("\nlost: {}", if lost.is_empty() { "nothing".to_owned() } else { lost.join(", ") });
    Ok(lost.is_empty())
}

fn settings(options: &Options, folder: PathBuf) -> Result<Settings> {
    // What an earlier run left would be read as this one's.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    Ok(Settings {
        clients: options.clients,
        subscribers: if options.events == 0 { 0 } else { options.subscribers.min(options.clients) },
        publishers: if options.events == 0 { 0 } else { options.clients.min(20) },
        calls: options.calls,
        events: options.events,
        drain_rate: options.drain_rate,
        log: options.log.clone(),
        ..Settings::new(program::gateway(options.gateway.as_deref())?, folder)
    })
}
