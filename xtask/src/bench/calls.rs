//! Tool calls through the gateway to a backend in a process of its own, and back: how many, how long each
//! takes, and what the gateway's part of it costs.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};

use super::budget::{Budgets, Spread, grouped};
use super::frames::{self, Head};
use super::socket::{Connection, Endpoint};
use super::subject::Programs;
use super::wire::{Method, Wire};
use crate::affinity::{Cpus, pin_thread};
use crate::server::Process;

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How long one round takes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// How many rounds.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// How many calls are under way at once, over all connections. The budgets are for the default.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=2048))]
    in_flight: u16,
    /// Calls over mcp.v1.binary instead of mcp.v1.
    #[arg(long)]
    binary: bool,
}

/// Over how many connections the calls are spread.
const CONNECTIONS: usize = 8;
const CPU_LIMIT_MICROS: f64 = 8.0;
const P50_LIMIT_MICROS: f64 = 150.0;
const P99_LIMIT_MICROS: f64 = 600.0;

struct Round {
    calls_per_second: f64,
    cpu_micros: f64,
    p50: f64,
    p99: f64,
    max: f64,
}

pub(crate) fn run(options: &Options, programs: &Programs, budgets: &mut Budgets) -> Result<()> {
    let cpus = Cpus::pick()?;
    pin_thread(cpus.generator)?;
    let wire = if options.binary { Wire::Binary } else { Wire::Json };
    let tools = programs.tools(cpus.generator)?;
    let (gateway, endpoint) = programs.gateway_before(tools.ready("listening")?, wire, cpus.server)?;
    wait_for_echo(&endpoint, wire)?;

    println!(
        "tool.execute of `echo` over {}: gateway on CPU {}, backend and load on CPU {}; {} in flight, {} rounds of {} s",
        wire.name(),
        cpus.server.id,
        cpus.generator.id,
        options.in_flight,
        options.rounds,
        options.seconds
    );
    let mut rounds = Vec::new();
    for _ in 0..options.rounds {
        rounds.push(round(&gateway, &endpoint, wire, options)?);
    }
    let spread = |value: fn(&Round) -> f64| Spread::of(rounds.iter().map(value)).context("no rounds");
    let rate = spread(|round| round.calls_per_second)?;
    println!("calls/s                {:>9}", grouped(rate.median));
    for (name, value, limit) in [
        ("gateway CPU µs/call", spread(|round| round.cpu_micros)?, CPU_LIMIT_MICROS),
        ("p50 µs", spread(|round| round.p50)?, P50_LIMIT_MICROS),
        ("p99 µs", spread(|round| round.p99)?, P99_LIMIT_MICROS),
    ] {
        let Spread { median, min, max } = value;
        let verdict = budgets.judge(median, limit);
        println!("{name:<22} {median:>9.2} ({min:.2}–{max:.2})  {verdict} (< {limit:.0})");
    }
    println!("slowest call µs        {:>9.0}", spread(|round| round.max)?.max);
    Ok(())
}

/// The gateway dials the backend on its own time; waits until the tool is listed.
fn wait_for_echo(endpoint: &Endpoint, wire: Wire) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(10);
    let mut connection = Connection::open(endpoint)?;
    for id in 1.. {
        connection.send_request(wire, id, Method::ToolList, "{}")?;
        let result = connection.receive_answer(wire, id)?;
        let tools = result["tools"].as_array().map(Vec::as_slice).unwrap_or_default();
        if tools.iter().any(|tool| tool["name"] == "echo") {
            break;
        }
        ensure!(Instant::now() < until, "the backend's tools are not listed after 10 s: {result}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn round(gateway: &Process, endpoint: &Endpoint, wire: Wire, options: &Options) -> Result<Round> {
    let mut streams = Vec::new();
    for share in shares(usize::from(options.in_flight)) {
        streams.push((Connection::open(endpoint)?.stream.into_socket()?, share));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let shared = Rc::new(Shared::default());
        let mut callers = JoinSet::new();
        for (stream, in_flight) in streams {
            stream.set_nonblocking(true)?;
            let stream = TcpStream::from_std(stream)?;
            callers.spawn_local(Caller::new(wire, in_flight, Rc::clone(&shared)).run(stream));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        // From here on it counts.
        *shared.nanos.borrow_mut() = Some(Histogram::new(3)?);
        let (cpu, started) = (gateway.cpu_nanos()?, Instant::now());
        tokio::time::sleep(Duration::from_secs(options.seconds)).await;
        let nanos = shared.nanos.borrow_mut().take().context("the histogram is there")?;
        let (cpu, elapsed) = (gateway.cpu_nanos()? - cpu, started.elapsed());
        shared.stop.set(true);
        let drained = async {
            while let Some(ended) = callers.join_next().await {
                ended??;
            }
            anyhow::Ok(())
        };
        tokio::time::timeout(Duration::from_secs(10), drained)
            .await
            .context("answers are missing after 10 s")??;
        ensure!(!nanos.is_empty(), "no call was answered");
        let micros = |quantile: f64| nanos.value_at_quantile(quantile) as f64 / 1_000.0;
        Ok(Round {
            calls_per_second: nanos.len() as f64 / elapsed.as_secs_f64(),
            cpu_micros: cpu as f64 / 1_000.0 / nanos.len() as f64,
            p50: micros(0.5),
            p99: micros(0.99),
            max: nanos.max() as f64 / 1_000.0,
        })
    })
}

/// What each connection has in flight, where there are enough calls for it to have any.
fn shares(in_flight: usize) -> impl Iterator<Item = usize> {
    (0..CONNECTIONS).map(move |index| (in_flight + index) / CONNECTIONS).filter(|share| *share > 0)
}

/// What the connections of a round have in common.
#[derive(Default)]
struct Shared {
    /// From the sending of a call to its result; there while the round is measured.
    nanos: RefCell<Option<Histogram<u64>>>,
    stop: Cell<bool>,
}

/// One connection.
struct Caller {
    wire: Wire,
    in_flight: usize,
    shared: Rc<Shared>,
    /// An id is never used twice, since a repeated id is not a new call.
    next_id: u64,
    open: HashMap<u64, Instant>,
    seen_in_whole: bool,
}

impl Caller {
    fn new(wire: Wire, in_flight: usize, shared: Rc<Shared>) -> Self {
        Self { wire, in_flight, shared, next_id: 1_000_000, open: HashMap::new(), seen_in_whole: false }
    }

    async fn run(mut self, mut stream: TcpStream) -> Result<()> {
        let mut inbox = vec![0; 64 * 1024];
        let mut filled = 0;
        let mut outbox = Vec::new();
        loop {
            while !self.shared.stop.get() && self.open.len() < self.in_flight {
                self.call(&mut outbox);
            }
            stream.write_all(&outbox).await?;
            outbox.clear();
            if self.open.is_empty() {
                return Ok(());
            }
            let length = stream.read(&mut inbox[filled..]).await?;
            ensure!(length > 0, "the gateway closed the connection with {} calls open", self.open.len());
            filled += length;
            let mut start = 0;
            while let Some(head) = Head::parse(&inbox[start..filled])? {
                let Some(payload) = inbox[..filled].get(start + head.head..start + head.total()) else {
                    break;
                };
                match head.opcode {
                    frames::TEXT | frames::BINARY => self.answered(payload)?,
                    frames::PING => frames::append_masked(&mut outbox, frames::PONG, payload),
                    opcode => bail!("a frame of opcode {opcode}: {:?}", String::from_utf8_lossy(payload)),
                }
                start += head.total();
            }
            inbox.copy_within(start..filled, 0);
            filled -= start;
            ensure!(filled < inbox.len(), "an answer of more than 64 KiB");
        }
    }

    fn call(&mut self, outbox: &mut Vec<u8>) {
        let id = self.next_id;
        self.next_id += 1;
        let params = format!(r#"{{"tool":"echo","args":{}}}"#, args(id));
        frames::append_masked(
            outbox,
            self.wire.opcode(),
            &self.wire.request(id, Method::ToolExecute, &params),
        );
        self.open.insert(id, Instant::now());
    }

    /// The first answer is read in whole; of the others the id and the result's octets are compared.
    fn answered(&mut self, payload: &[u8]) -> Result<()> {
        let id = if self.seen_in_whole {
            self.wire.response_id(payload)
        } else {
            let answer = self.wire.answer(payload)?.context("a notification instead of an answer")?;
            let expected: Value = serde_json::from_str(&args(answer.id))?;
            ensure!(answer.result == expected, "the tool's result is {}, not {expected}", answer.result);
            self.seen_in_whole = true;
            Some(answer.id)
        };
        let text = || String::from_utf8_lossy(payload);
        let id = id.with_context(|| format!("not the answer to a call: {}", text()))?;
        let sent = self.open.remove(&id).with_context(|| format!("an answer to nothing: {}", text()))?;
        let result = match self.wire {
            Wire::Json => payload.strip_suffix(b"}").unwrap_or_default(),
            Wire::Binary => payload,
        };
        ensure!(result.ends_with(args(id).as_bytes()), "the result is not what was sent: {}", text());
        if let Some(nanos) = &mut *self.shared.nanos.borrow_mut() {
            nanos.record(u64::try_from(sent.elapsed().as_nanos())?)?;
        }
        Ok(())
    }
}

fn args(id: u64) -> String {
    format!(r#"{{"n":{id}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_the_connections_add_up() {
        for in_flight in [1, 7, 8, 9, 64, 2048] {
            assert_eq!(shares(in_flight).sum::<usize>(), in_flight);
            assert!(shares(in_flight).count() <= CONNECTIONS);
        }
    }
}
