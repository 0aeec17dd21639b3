//! Tool calls through the gateway to a backend in a process of its own, and back: how many in a closed loop, how long each takes
//! at a fixed rate, and what the gateway's part of it costs. Beside it an echo of bare epoll at the same rate: what the machine does to
//! latencies by itself.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::baselines::{self, Baseline};
use super::budget::{Bound, Budgets, Spread, grouped};
use super::generator::{Generator, Outcome, Target};
use super::secure::Security;
use super::subject::{self, Key, Programs};
use crate::affinity::{Cpus, pin_thread};
use crate::server::{Process, Server};
use crate::table;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How long one round takes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) seconds: u64,
    /// How many rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) rounds: u64,
    /// How many calls are due in a second in the open loop. The budgets are for the default.
    #[arg(long, default_value_t = 60_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rate: u32,
    /// Calls over mcp.v1.binary instead of mcp.v1.
    #[arg(long)]
    pub(super) binary: bool,
}

/// Over how many connections the calls are spread; 64 are under way in the closed loop.
const CONNECTIONS: usize = 8;
const CPU_LIMIT_MICROS: f64 = 8.0;
const CALLS_PER_SECOND: f64 = 120_000.0;
const P50_LIMIT_MICROS: f64 = 150.0;
const P99_LIMIT_MICROS: f64 = 600.0;

/// How the gateway is set up.
#[derive(Clone, Copy, Debug)]
struct Setup {
    name: &'static str,
    is_secured: bool,
    /// Whether it looks for answers before it sleeps, as it does by default.
    polls: bool,
}

const SETUPS: [Setup; 4] = [
    Setup { name: "JWT", is_secured: false, polls: true },
    Setup { name: "JWT, asleep at once", is_secured: false, polls: false },
    Setup { name: "TLS, JWT, HMAC", is_secured: true, polls: true },
    Setup { name: "TLS, JWT, HMAC, asleep at once", is_secured: true, polls: false },
];

/// What answers: a gateway before a backend, or the limit.
struct Subject {
    name: &'static str,
    server: Process,
    target: Target,
    /// What `mcpw bench` asks it for.
    scenario: &'static str,
    /// Goes on as long as the gateway.
    _tools: Option<Server>,
}

impl Subject {
    fn gateway(programs: &Programs, cpus: Cpus, key: &Key, setup: Setup) -> Result<Self> {
        let tools = programs.tools(cpus.generator)?;
        let backends = [format!("http://{}", tools.ready("listening")?)];
        let (security, mut settings) = Security::fresh_if(setup.is_secured, true)?;
        if !setup.polls {
            settings.push(("RUNTIME_BUSY_POLL_US", "0".to_owned()));
        }
        let (server, listen) = programs.configured("calls", (key, &backends), &settings, cpus.server)?;
        let scheme = if setup.is_secured { "wss" } else { "ws" };
        let target = Target {
            certificate: security.map(|security| security.certificate().to_owned()),
            ..Target::gateway(&format!("{scheme}://{listen}/ws"), &key.token)
        };
        Ok(Self { name: setup.name, server, target, scenario: r#"calls echo {"n":1}"#, _tools: Some(tools) })
    }

    /// Sends back what it gets, and does nothing else.
    fn limit(cpus: Cpus) -> Result<Self> {
        let Baseline { name, command, .. } = baselines::limit()?;
        let server = Server::start(command, Some(cpus.server), &subject::log("baseline")?)?;
        let target = Target::bare(server.ready("url")?);
        Ok(Self { name, server: server.process, target, scenario: "echo", _tools: None })
    }
}

/// How calls follow each other.
#[derive(Clone, Copy, Debug)]
enum Flow {
    /// 64 are always under way.
    Closed,
    /// So many are due in a second, whether or not others are answered.
    Open(u32),
}

impl Flow {
    fn title(self) -> String {
        match self {
            Self::Closed => "closed loop, 64 under way".to_owned(),
            Self::Open(rate) => format!("open loop, {}/s due", grouped(f64::from(rate), 0)),
        }
    }
}

struct Figures {
    rate: Spread,
    cpu: Spread,
    p50: Spread,
    p99: Spread,
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let generator = Generator { programs, cpu: cpus.generator };
    let key = programs.key()?;
    println!(
        "\n`tool.execute` of `echo` over {}: gateway on CPU {}, backend and load on CPU {}; {} connections, {} rounds of {} s. In \
         the open loop each latency counts from when the call was due. Asleep at once: runtime.busy_poll_us = 0.",
        if options.binary { "mcp.v1.binary" } else { "mcp.v1" },
        cpus.server.id,
        cpus.generator.id,
        CONNECTIONS,
        options.rounds,
        options.seconds
    );
    table::head(&[
        "gateway",
        "calls",
        "calls/s",
        "CPU µs/call",
        "p50 µs",
        "p99 µs",
        "longest µs",
        "load's CPU",
    ]);
    let mut details = Vec::new();
    for setup in SETUPS {
        let subject = Subject::gateway(programs, cpus, &key, setup)?;
        wait_for_echo(&generator, &subject)?;
        let closed = measure(&subject, Flow::Closed, &generator, options, &mut details)?;
        let open = measure(&subject, Flow::Open(options.rate), &generator, options, &mut details)?;
        let at_a_rate = format!("calls at {}/s, {}", grouped(f64::from(options.rate), 0), setup.name);
        if setup.is_secured {
            let below = Bound::Below(P50_LIMIT_MICROS);
            budgets.judge(format!("{at_a_rate}: p50"), open.p50, ("µs", 0), below);
        } else if setup.polls {
            let (what, at_least) = ("calls a second, 64 under way", Bound::AtLeast(CALLS_PER_SECOND));
            budgets.judge(what, closed.rate, ("", 0), at_least);
            budgets.judge("calls: gateway CPU", closed.cpu, ("µs", 2), Bound::Below(CPU_LIMIT_MICROS));
        }
        budgets.judge(format!("{at_a_rate}: p99"), open.p99, ("µs", 0), Bound::Below(P99_LIMIT_MICROS));
    }
    measure(&Subject::limit(cpus)?, Flow::Open(options.rate), &generator, options, &mut details)?;
    budgets.detail("calls", details.into());
    Ok(())
}

/// The gateway dials the backend on its own time; waits until the tool answers.
fn wait_for_echo(generator: &Generator<'_>, subject: &Subject) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let scenario = format!("{} --connections 1 --warm-up 0 --duration 100ms", subject.scenario);
        let outcome = generator.run(&subject.target, &scenario);
        match outcome {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() >= until => return Err(error),
            Err(_) => {}
        }
    }
}

/// Rounds of one kind, and their row.
fn measure(
    subject: &Subject,
    flow: Flow,
    generator: &Generator<'_>,
    options: &Options,
    details: &mut Vec<serde_json::Value>,
) -> Result<Figures> {
    let format = if options.binary { "--binary" } else { "" };
    let pace = match flow {
        Flow::Closed => format!("--depth {}", 64 / CONNECTIONS),
        Flow::Open(rate) => format!("--rate {rate}"),
    };
    let scenario = format!(
        "{} {format} --connections {CONNECTIONS} {pace} --spin --warm-up 500ms --duration {}s",
        subject.scenario, options.seconds
    );
    let mut rounds: Vec<(Outcome, f64)> = Vec::new();
    for _ in 0..options.rounds {
        let before = subject.server.cpu_nanos()?;
        let outcome = generator.run(&subject.target, &scenario)?;
        let cpu = (subject.server.cpu_nanos()? - before) as f64 / 1_000.0 / outcome.answered()?;
        ensure!(cpu > 0.0, "the server used no CPU");
        rounds.push((outcome, cpu));
    }
    let spread = |pointer: &str| {
        let values: Vec<_> =
            rounds.iter().map(|(outcome, _)| outcome.number(pointer)).collect::<Result<_>>()?;
        Spread::of(values).context("no rounds")
    };
    let latency = |quantile: &str| spread(&format!("/messages/0/latency/{quantile}"));
    let figures = Figures {
        rate: spread("/messages/0/per_second")?,
        cpu: Spread::of(rounds.iter().map(|(_, cpu)| *cpu)).context("no rounds")?,
        p50: latency("p50_us")?,
        p99: latency("p99_us")?,
    };
    let Figures { rate, cpu, p50, p99 } = &figures;
    table::row(&[
        subject.name,
        &flow.title(),
        &rate.shown(0),
        &cpu.shown(2),
        &p50.shown(0),
        &p99.shown(0),
        &grouped(latency("max_us")?.max, 0),
        &format!("{:.0} %", spread("/generator/busy")?.median * 100.0),
    ]);
    let middle = rounds.iter().find(|(outcome, _)| {
        outcome.number("/messages/0/latency/p99_us").is_ok_and(|value| value >= p99.median)
    });
    details.push(json!({
        "gateway": subject.name, "calls": flow.title(), "calls_per_second": rate.json(), "cpu_micros": cpu.json(),
        "p50_us": p50.json(), "p99_us": p99.json(),
        "histogram": middle.map(|(outcome, _)| outcome.histogram("/messages/0/latency")),
    }));
    Ok(figures)
}
