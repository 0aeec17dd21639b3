//! `mcpw bench`: load on gateways, and what it measured, on stdout, in a file or as a page. How the load is made is the crate
//! `bench`'s.

mod options;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::bench::{Error, Outcome, Plan, Run, Stop};
use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::call::input::Mistake;
use options::{Calls, Common, Connect, Echo, Events, Idle, Mixed, Storm};

const EXAMPLES: &str = "\
Examples:
  mcpw bench echo --connections 64 --rate 20000 --json echo.json
  mcpw bench calls echo '{\"text\":\"hi\"}' --connections 8 --depth 8 --duration 30s
  mcpw bench connect --connections 20000 --url wss://gateway.example/ws --token-file token
  mcpw bench report before.json after.json -o report.html

Exit codes:
  0    it was measured, whatever came out
  1    a report could not be written
  2    wrong usage, or more than this machine can do
  3    no connection, or the gateway refused it
  130  ended early by ctrl-c; the figures are of what was measured until then";

/// Put load on gateways and measure how they answer.
///
/// The figures go to stdout. On a terminal, stderr shows how it goes.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Open connections: how many in a second, and how long each takes.
    Connect(Connect),
    /// Messages that the gateway answers itself.
    Echo(Echo),
    /// Calls of a tool, through the gateway to its backend and back.
    Calls(Calls),
    /// Events from a publisher to all connections.
    Events(Events),
    /// Connections that do nothing.
    Idle(Idle),
    /// Drop all connections, and have them come back at once.
    Storm(Storm),
    /// Echoes, calls and events side by side.
    Mixed(Mixed),
    /// Make a page of runs, which shows them beside each other.
    Report(Report),
}

#[derive(Debug, clap::Args)]
struct Report {
    /// Files that --json wrote.
    #[arg(required = true, value_name = "RUN.json")]
    runs: Vec<PathBuf>,
    /// Where the page is written to.
    #[arg(long, short, default_value = "report.html", value_name = "FILE")]
    output: PathBuf,
}

/// Does what is asked for; the exit codes are those of the help text.
///
/// # Errors
/// Only for what is no part of a run: no signal handler, stdout cannot be written.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let (common, plan) = match arguments.command {
        Command::Report(report) => return page(&report),
        Command::Connect(options) => (options.common.clone(), options.plan()),
        Command::Echo(options) => (options.common.clone(), options.plan()),
        Command::Calls(options) => (options.common.clone(), options.plan()),
        Command::Events(options) => (options.common.clone(), options.plan()),
        Command::Idle(options) => (options.common.clone(), options.plan()),
        Command::Storm(options) => (options.common.clone(), options.plan()),
        Command::Mixed(options) => (options.common.clone(), options.plan()),
    };
    let plan = match plan {
        Ok(plan) => plan,
        Err(Mistake(mistake)) => return Ok(refuse(&mistake, 2)),
    };
    let outcome = match measure(&common, plan).await? {
        Ok(outcome) => outcome,
        Err(error @ Error::Target { .. }) => return Ok(refuse(&error, 3)),
        Err(error) => return Ok(refuse(&error, 2)),
    };
    write!(io::stdout(), "{outcome}").context("can't write to stdout")?;
    if let Some(path) = &common.json {
        write(path, &serde_json::to_vec(&outcome)?)?;
    }
    Ok(if outcome.interrupted { ExitCode::from(130) } else { ExitCode::SUCCESS })
}

/// Measures until the end, or until ctrl-c.
async fn measure(common: &Common, plan: Plan) -> anyhow::Result<Result<Outcome, Error>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("can't listen for ctrl-c")?;
    let live = !common.quiet && io::stderr().is_terminal();
    let stop = Stop::default();
    let stopped = stop.clone();
    let running = tokio::task::spawn_blocking(move || ::bench::run(&plan, &stopped, live));
    tokio::pin!(running);
    loop {
        tokio::select! {
            ended = &mut running => return ended.context("the load generator broke down"),
            _ = interrupt.recv() => stop.now(),
        }
    }
}

fn page(report: &Report) -> anyhow::Result<ExitCode> {
    let runs = match report.runs.iter().map(|path| Run::read(path)).collect::<Result<Vec<_>, _>>() {
        Ok(runs) => runs,
        Err(error) => return Ok(refuse(&error, 2)),
    };
    write(&report.output, ::bench::html(&runs).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
}

/// Tells on stderr what was wrong.
fn refuse(what: &dyn std::fmt::Display, code: u8) -> ExitCode {
    // There is nowhere else to tell it.
    let _ = writeln!(io::stderr(), "mcpw: {what}");
    ExitCode::from(code)
}
