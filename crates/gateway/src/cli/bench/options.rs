//! What people type for `mcpw bench`, made a plan. Dials nothing.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ::bench::{Message, Plan, Scenario, Target};
use protocol::Format;
use serde_json::value::RawValue;

use crate::cli::call::input::{self, Mistake};
use crate::cli::dev_file;

/// Requests that a connection may have under way where messages are due at a rate.
const DEPTH_AT_A_RATE: usize = 64;

/// What all scenarios have.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Common {
    /// The gateways, to which connections go in turns; HOST:PORT is enough: ws:// and /ws are added. By default your
    /// running `mcpw dev`, or else ws://127.0.0.1:8080/ws.
    #[arg(long, env = "MCPW_URL", value_delimiter = ',')]
    url: Vec<String>,
    /// Files with a token each, which connections have in turns. By default the token of MCPW_TOKEN, or of your running
    /// `mcpw dev` if it is the gateway.
    #[arg(long, value_name = "FILE", value_delimiter = ',')]
    token_file: Vec<PathBuf>,
    /// The authorities, as PEM, by which a gateway at wss:// has to prove who it is; by default the system's.
    #[arg(long, env = "MCPW_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Speak mcp.v1.binary instead of JSON text.
    #[arg(long)]
    binary: bool,
    /// How many connections.
    #[arg(long, short, default_value_t = 64, value_name = "N")]
    connections: usize,
    /// How many threads make the load. One is more than one shard of a gateway can answer.
    #[arg(long, default_value_t = 1, value_name = "N")]
    threads: usize,
    /// Addresses of this machine that connections come from in turns: each has some 28,000 ports for one gateway.
    #[arg(long, value_delimiter = ',', value_name = "ADDRESS")]
    source: Vec<IpAddr>,
    /// How many handshakes are under way at once; by default 64, and in a storm all.
    #[arg(long, value_name = "N")]
    burst: Option<usize>,
    /// How many connections are dialled in a second; by default the next one as soon as one is open.
    #[arg(long, value_name = "N")]
    connect_rate: Option<f64>,
    /// How long it is measured: seconds, or like 500ms, 30s, 5m. By default 10s; for connections that do nothing 60s.
    #[arg(long, value_parser = input::duration, value_name = "TIME")]
    duration: Option<Duration>,
    /// How long messages are sent before it is measured; 0 for not at all.
    #[arg(long, value_parser = or_none, default_value = "1s", value_name = "TIME")]
    warm_up: Duration,
    /// How long a handshake may take, and an answer after the end.
    #[arg(long, value_parser = input::duration, default_value = "10s", value_name = "TIME")]
    patience: Duration,
    /// Write all figures into a file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
    /// Show nothing on stderr while it runs.
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// How messages follow each other.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Flow {
    /// How many messages are due in a second, over all connections. Latency is counted from when a message was due, so
    /// that a stall counts for all that it delays. By default each answer is followed by the next message.
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Never sleeps while messages are under way: each is sent when it is due and each answer seen when it comes, and the CPU of each
    /// thread is in use. Another program on it has its turn whenever there is nothing to do.
    #[arg(long)]
    spin: bool,
    /// How many requests a connection may have under way; by default 1, and with --rate 64.
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
}

/// `connect`.
#[derive(Debug, clap::Args)]
pub(super) struct Connect {
    #[command(flatten)]
    pub(super) common: Common,
}

/// `echo`.
#[derive(Debug, clap::Args)]
pub(super) struct Echo {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    flow: Flow,
    /// Bytes of each message's params.
    #[arg(long, default_value_t = 16, value_name = "BYTES")]
    size: usize,
    /// The target is a bare WebSocket server that sends each message back as it came, to measure this program by:
    /// no token, no subprotocol, no session.
    #[arg(long)]
    mirror: bool,
}

/// `calls`.
#[derive(Debug, clap::Args)]
pub(super) struct Calls {
    #[command(flatten)]
    tool: Tool,
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    flow: Flow,
}

/// A tool and what it takes.
#[derive(Debug, clap::Args)]
struct Tool {
    /// The tool.
    tool: String,
    /// Its args: JSON, @FILE to read them from a file, or - to read them from stdin.
    #[arg(default_value = "{}")]
    args: String,
}

/// `events`.
#[derive(Debug, clap::Args)]
pub(super) struct Events {
    #[command(flatten)]
    pub(super) common: Common,
    /// How many events are published in a second.
    #[arg(long, default_value_t = 100.0, value_name = "N")]
    rate: f64,
    /// How many connections more publish them.
    #[arg(long, default_value_t = 1, value_name = "N")]
    publishers: usize,
    /// Bytes of padding in each event.
    #[arg(long, default_value_t = 16, value_name = "BYTES")]
    size: usize,
}

/// `idle`.
#[derive(Debug, clap::Args)]
pub(super) struct Idle {
    #[command(flatten)]
    pub(super) common: Common,
}

/// `storm`.
#[derive(Debug, clap::Args)]
pub(super) struct Storm {
    #[command(flatten)]
    pub(super) common: Common,
}

/// `mixed`.
#[derive(Debug, clap::Args)]
pub(super) struct Mixed {
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    flow: Flow,
    /// How often which message comes: echo, call and publish with a weight each.
    #[arg(long, default_value = "echo=8,call=2", value_delimiter = ',', value_parser = weight)]
    mix: Vec<(String, u16)>,
    /// The tool that is called.
    #[arg(long, default_value = "echo")]
    tool: String,
    /// Its args: JSON, @FILE to read them from a file, or - to read them from stdin.
    #[arg(long, default_value = "{}")]
    args: String,
    /// Bytes of an echo's params, and of padding in an event.
    #[arg(long, default_value_t = 16, value_name = "BYTES")]
    size: usize,
}

impl Connect {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let plan = self.common.plan(Scenario::Connect)?;
        Ok(Plan { duration: self.common.duration.unwrap_or(Duration::ZERO), warm_up: Duration::ZERO, ..plan })
    }
}

impl Echo {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let mut plan = self.common.plan(Scenario::Echo)?;
        plan.messages = vec![(echo(self.size), 1)];
        plan.mirror = self.mirror;
        if self.mirror {
            plan.tokens.clear();
        }
        Ok(self.flow.applied(plan))
    }
}

impl Calls {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let mut plan = self.common.plan(Scenario::Calls)?;
        plan.messages = vec![(call(&self.tool.tool, &self.tool.args)?, 1)];
        Ok(self.flow.applied(plan))
    }
}

impl Events {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let mut plan = self.common.plan(Scenario::Events)?;
        plan.messages = vec![(Message::Publish(self.size), 1)];
        plan.publishers = self.publishers;
        Ok(Plan { rate: Some(self.rate), depth: DEPTH_AT_A_RATE, ..plan })
    }
}

impl Idle {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let plan = self.common.plan(Scenario::Idle)?;
        let duration = self.common.duration.unwrap_or(Duration::from_secs(60));
        Ok(Plan { duration, warm_up: Duration::ZERO, ..plan })
    }
}

impl Storm {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let plan = self.common.plan(Scenario::Storm)?;
        let burst = self.common.burst.unwrap_or(plan.connections);
        let duration = self.common.duration.unwrap_or(Duration::from_secs(60));
        Ok(Plan { burst, duration, warm_up: Duration::ZERO, ..plan })
    }
}

impl Mixed {
    pub(super) fn plan(&self) -> Result<Plan, Mistake> {
        let mut plan = self.common.plan(Scenario::Mixed)?;
        for (name, weight) in &self.mix {
            let message = match name.as_str() {
                "echo" => echo(self.size),
                "call" => call(&self.tool, &self.args)?,
                _ => Message::Publish(self.size),
            };
            plan.messages.push((message, *weight));
        }
        Ok(self.flow.applied(plan))
    }
}

impl Flow {
    fn applied(self, plan: Plan) -> Plan {
        let depth = if self.rate.is_some() { DEPTH_AT_A_RATE } else { 1 };
        Plan { rate: self.rate, depth: self.depth.unwrap_or(depth), spin: self.spin, ..plan }
    }
}

impl Common {
    /// The plan without its messages.
    fn plan(&self, scenario: Scenario) -> Result<Plan, Mistake> {
        let files = self.token_file.iter().map(|file| input::token(None, Some(file)));
        let mut tokens: Vec<_> = files.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        if tokens.is_empty() {
            tokens.extend(input::token(None, None)?);
        }
        // The first gateway says whether the token of `mcpw dev` is meant.
        let given = self.url.first().map(String::as_str);
        let first = input::Target::choose(given, tokens.first().cloned(), dev_file::read);
        if tokens.is_empty() {
            tokens.extend(first.token);
        }
        let mut urls = vec![first.url];
        urls.extend(self.url.iter().skip(1).map(|url| input::url(url)));
        let targets = urls.iter().map(|url| Target::new(url)).collect::<Result<Vec<_>, _>>();
        let targets = targets.map_err(|error| Mistake(error.to_string()))?;
        let tls = targets.iter().any(Target::is_secure).then(|| ::bench::tls(self.ca_file.as_deref()));
        Ok(Plan {
            scenario,
            targets,
            tokens,
            tls: tls.transpose().map_err(|error| Mistake(error.to_string()))?,
            format: if self.binary { Format::Binary } else { Format::Json },
            mirror: false,
            connections: self.connections,
            publishers: 0,
            threads: self.threads,
            sources: self.source.clone(),
            burst: self.burst.unwrap_or(64),
            connect_rate: self.connect_rate,
            rate: None,
            spin: false,
            depth: 1,
            messages: Vec::new(),
            warm_up: self.warm_up,
            duration: self.duration.unwrap_or(Duration::from_secs(10)),
            patience: self.patience,
        })
    }
}

/// An echo of a string, of so many bytes in all.
fn echo(size: usize) -> Message {
    Message::Echo(format!("\"{}\"", "x".repeat(size.saturating_sub(2))))
}

fn call(tool: &str, args: &str) -> Result<Message, Mistake> {
    let args = input::params(Some(args))?;
    let args = args.as_deref().map_or("{}", RawValue::get);
    Ok(Message::Call { tool: tool.to_owned(), args: args.to_owned() })
}

/// A time, or 0.
fn or_none(text: &str) -> Result<Duration, String> {
    if text == "0" { Ok(Duration::ZERO) } else { input::duration(text) }
}

fn weight(text: &str) -> Result<(String, u16), String> {
    let right =
        || "must be echo, call or publish with a weight from 1 to 1000, like echo=8,call=2".to_owned();
    let (name, weight) = text.split_once('=').unwrap_or((text, "1"));
    let weight = weight.parse::<u16>().ok().filter(|weight| (1..=1000).contains(weight));
    match (name, weight) {
        ("echo" | "call" | "publish", Some(weight)) => Ok((name.to_owned(), weight)),
        _ => Err(right()),
    }
}
