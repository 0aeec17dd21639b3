//! What a call through gateway and bridge takes longer than the same call at the same server's pipes.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use serde_json::json;

use super::budget::{Bound, Budgets, Spread};
use super::frames;
use super::socket::{Connection, Endpoint};
use super::stdio::{self, Direct};
use super::subject::{self, Programs};
use crate::affinity::Cpus;
use crate::server::{Process, Server};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How many calls each round has, one after the other. The budget is for the default.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..))]
    pub(super) calls: u64,
    /// How many rounds.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rounds: u64,
}

const ADDED_P50_MICROS: f64 = 200.0;
/// Bytes of the text that is sent and comes back.
const SIZE: usize = 128;

/// The median and the 99th percentile, in microseconds.
type Quantiles = [f64; 2];
/// Of one round: at the pipes, and through gateway and bridge.
type Round = [Quantiles; 2];

/// A gateway before a bridge before the server, and a connection to it.
struct Through {
    connection: Connection,
    _gateway: Process,
    _bridge: Server,
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    // Each hop may run where there is room, as it may in production.
    let cpus = Cpus::pick()?;
    println!(
        "\n`tools/call` of a server behind pipes, one under way, {} rounds of {} calls: at its pipes, and over a WebSocket \
         through the gateway on CPU {} and the bridge.",
        options.rounds, options.calls, cpus.server.id
    );
    let (mut direct, mut through) = (Direct::start()?, Through::start(programs, cpus)?);
    let text = "x".repeat(SIZE);
    let mut rounds: Vec<Round> = Vec::new();
    for _ in 0..options.rounds {
        let at_pipes = measure(options.calls, |id| {
            let params = json!({"name": "echo", "arguments": {"text": text}});
            let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
            let answer = direct.ask(&request)?;
            ensure!(answer.contains(&text), "another answer than expected: {answer}");
            Ok(())
        })?;
        rounds.push([at_pipes, measure(options.calls, |id| through.call(id, &text))?]);
    }
    table::head(&["way", "p50 µs", "p99 µs"]);
    let spread = |of: &dyn Fn(&Round) -> f64| Spread::of(rounds.iter().map(of)).context("there are rounds");
    let direct = [spread(&|round| round[0][0])?, spread(&|round| round[0][1])?];
    let whole = [spread(&|round| round[1][0])?, spread(&|round| round[1][1])?];
    let added = |at: usize| spread(&|round| round[1][at] - round[0][at]);
    let (p50, p99) = (added(0)?, added(1)?);
    for (way, [p50, p99]) in [("pipes", direct), ("gateway and bridge", whole), ("added", [p50, p99])] {
        table::row(&[way, &p50.shown(0), &p99.shown(0)]);
    }
    budgets.judge("bridge: added to a call, p50", p50, ("µs", 0), Bound::Below(ADDED_P50_MICROS));
    budgets.detail(
        "bridge",
        json!({"pipes_p50_us": direct[0].json(), "added_p50_us": p50.json(), "added_p99_us": p99.json()}),
    );
    Ok(())
}

/// Those of so many calls.
fn measure(calls: u64, mut call: impl FnMut(u64) -> Result<()>) -> Result<Quantiles> {
    let mut times = Histogram::<u64>::new(3)?;
    // What was not used for a while is slow the first time.
    for id in 1..=calls / 10 + calls {
        let started = Instant::now();
        call(id)?;
        if id > calls / 10 {
            times.record(u64::try_from(started.elapsed().as_nanos())?)?;
        }
    }
    Ok([0.5, 0.99].map(|part| times.value_at_quantile(part) as f64 / 1_000.0))
}

impl Through {
    fn start(programs: &Programs, cpus: Cpus) -> Result<Self> {
        let config = subject::folder()?.join("bridge-servers.yaml");
        let server = json!({"name": "bench", "command": stdio::command()?});
        let settings = json!({"bridge": {"servers": [server]}, "log": {"level": "warn"}});
        std::fs::write(&config, settings.to_string())?;
        let mut command = std::process::Command::new(programs.mcpw());
        command.arg("bridge").arg("--config").arg(&config);
        let bridge = Server::start(command, None, &subject::log("bridge")?)?;
        let key = programs.key()?;
        let backends = [format!("http://{}", bridge.ready("listening")?)];
        let (gateway, listen) = programs.configured("bridge", (&key, &backends), &[], cpus.server)?;
        let endpoint = Endpoint::spoken(&format!("ws://{listen}/mcp"), "mcp", &key.token)?;
        let mut through =
            Self { connection: Connection::open(&endpoint)?, _gateway: gateway, _bridge: bridge };
        through.await_tool()?;
        Ok(through)
    }

    /// The gateway dials the bridge on its own time; waits until the tool answers.
    fn await_tool(&mut self) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        while let Err(error) = self.call(0, "ready") {
            if Instant::now() > until {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn call(&mut self, id: u64, text: &str) -> Result<()> {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": "echo", "arguments": {"text": text}, "_meta": meta});
        let request = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{params}}}"#);
        self.connection.send_frame(frames::TEXT, request.as_bytes())?;
        let answer = String::from_utf8(self.connection.receive()?)?;
        ensure!(
            answer.contains(&format!("\"id\":{id},")) && answer.contains(&format!("\"text\":\"{text}\"")),
            "another answer than expected: {answer}"
        );
        Ok(())
    }
}
