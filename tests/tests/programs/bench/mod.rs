//! `mcpw bench`: what it counts is what the gateway counts, latencies leave no stall out, and whatever can't be measured is
//! told.

mod documented;
mod refusals;
mod reports;
mod scenarios;
mod stalls;

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use tests::Endpoints;

use crate::mcpw;
use crate::process::{Ended, run};

/// A run that is still to be started, and where its figures will be.
struct Bench {
    command: Command,
    folder: TempDir,
}

/// A run at this gateway, of one second without warm-up unless the line says otherwise.
fn bench(gateway: &Endpoints, line: &str) -> Bench {
    bench_at(&format!("ws://{}/ws", gateway.clients), &gateway.keys.token(), line)
}

fn bench_at(url: &str, token: &str, line: &str) -> Bench {
    let folder = TempDir::new().expect("a temporary folder");
    let mut command = mcpw();
    command.arg("bench").args(line.split(' ')).args(["--url", url]).env("MCPW_TOKEN", token);
    for (flag, value) in [("--duration", "1s"), ("--warm-up", "0")] {
        if !line.contains(flag) {
            command.args([flag, value]);
        }
    }
    command.arg("--json").arg(folder.path().join("run.json"));
    Bench { command, folder }
}

impl Bench {
    /// The figures of a run that ends well.
    #[track_caller]
    fn figures(mut self) -> Value {
        run(&mut self.command).success();
        self.read()
    }

    #[track_caller]
    fn read(&self) -> Value {
        let file = std::fs::read(self.folder.path().join("run.json")).expect("the figures were written");
        serde_json::from_slice(&file).expect("they are JSON")
    }

    /// How a run ends.
    fn end(mut self) -> Ended {
        run(&mut self.command)
    }
}

/// A whole number of the figures.
#[track_caller]
fn count(figures: &Value, pointer: &str) -> u64 {
    let value = figures.pointer(pointer).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no number {pointer} in {figures:#}"))
}

/// A number of the figures.
#[track_caller]
fn number(figures: &Value, pointer: &str) -> f64 {
    let value = figures.pointer(pointer).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no number {pointer} in {figures:#}"))
}
