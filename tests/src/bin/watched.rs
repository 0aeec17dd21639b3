//! Three pods under load for a while, and what a Prometheus has of them for each panel, as JSON for pictures of the dashboards.
//! `cargo xtask pictures` builds and starts it.
#![allow(clippy::print_stderr, reason = "a command-line tool says what it does")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use dashboards::{Pace, files};
use serde_json::{Value, json};
use tests::watched::{Load, Platform};
use tests::{Prometheus, program};

/// Puts pods under load and writes down what their dashboards show.
#[derive(Debug, Parser)]
#[command(name = "watched")]
struct Options {
    /// For how long.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(30..))]
    seconds: u64,
    /// The program mcpw; the one beside this program if none is given.
    #[arg(long, value_name = "FILE")]
    gateway: Option<PathBuf>,
    /// Where to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let gateway = program::gateway(options.gateway.as_deref())?;
    let platform = Platform::start(&gateway.to_string_lossy());
    let prometheus = Prometheus::start(&[]);
    prometheus.scrape(platform.targets());
    let load = Load::start(&platform);
    let begin = Instant::now();
    eprintln!("load for {} s", options.seconds);
    while begin.elapsed() < Duration::from_secs(options.seconds) {
        load.round(&platform);
    }
    let boards: Vec<Value> = files(Pace::SHIPPED)
        .iter()
        .filter(|file| file.path.starts_with("deploy/grafana/"))
        .map(|file| {
            let mut board: Value = serde_json::from_str(&file.text)?;
            answer(&mut board, &prometheus, options.seconds);
            Ok(json!({ "file": file.path, "board": board }))
        })
        .collect::<Result<_>>()?;
    std::fs::write(&options.out, serde_json::to_string(&boards)?).context(options.out.display().to_string())
}

/// Puts beside each query what Prometheus says to it.
fn answer(board: &mut Value, prometheus: &Prometheus, seconds: u64) {
    let panels = board["panels"].as_array_mut().into_iter().flatten();
    for target in panels.filter_map(|panel| panel["targets"].as_array_mut()).flatten() {
        let query = dashboards::filled(target["expr"].as_str().unwrap_or_default(), Prometheus::JOB, "10s");
        target["answer"] = match target["instant"].as_bool() {
            Some(true) => prometheus.query(&query).into(),
            _ => prometheus.range(&query, seconds - 10).into(),
        };
    }
}
