//! What a run has measured: the file that `--json` writes, whose fields stay as they are within one schema.

use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::tally::Nanos;

/// The schema of this version.
pub const SCHEMA: &str = "mcpw-bench/1";

/// A run, ended.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Outcome {
    /// [`SCHEMA`].
    pub schema: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Whether it was ended early.
    pub interrupted: bool,
    /// What was asked for.
    pub parameters: Parameters,
    /// Where the load came from.
    pub environment: Environment,
    /// Name and version of the gateway, as the first session was told.
    pub server: Option<String>,
    /// How long was measured.
    pub seconds: f64,
    /// The generator itself.
    pub generator: Generator,
    /// Connections and their handshakes.
    pub connections: Connections,
    /// Each kind of message that was sent.
    pub messages: Vec<Messages>,
    /// Messages that were due and never sent, since no connection was free for them.
    pub unsent: u64,
    /// Events that were published by this run.
    pub events: Option<Events>,
    /// The storm.
    pub storm: Option<Storm>,
    /// WebSocket pings that the gateway sent, all of which were answered.
    pub pings: u64,
    /// What went wrong, the most frequent first.
    pub errors: Vec<Failure>,
    /// What has to be known to read the figures.
    pub remarks: Vec<String>,
    /// Second by second, from the first dial on.
    pub timeline: Vec<Second>,
}

/// What was asked for. Tokens are only counted.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Parameters {
    /// The scenario's name.
    pub scenario: String,
    /// The gateways.
    pub targets: Vec<String>,
    /// How many tokens there were.
    pub tokens: usize,
    /// The subprotocol; none for a bare WebSocket server.
    pub subprotocol: Option<String>,
    /// How many connections.
    pub connections: usize,
    /// How many more that publish.
    pub publishers: usize,
    /// Threads of the generator.
    pub threads: usize,
    /// Addresses that connections came from.
    pub sources: Vec<String>,
    /// Handshakes at once.
    pub burst: usize,
    /// Connections in a second.
    pub connect_rate: Option<f64>,
    /// Messages in a second; without it, as many as were answered.
    pub rate: Option<f64>,
    /// Whether threads looked for answers all the time.
    #[serde(default)]
    pub spin: bool,
    /// Requests under way on a connection, at most.
    pub depth: usize,
    /// The messages' names and weights.
    pub messages: Vec<(String, u16)>,
    /// Seconds before it was measured.
    pub warm_up_s: f64,
    /// Seconds to measure.
    pub duration_s: f64,
    /// Seconds to wait for an answer.
    pub patience_s: f64,
}

/// The generator itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Generator {
    /// CPU time of its threads as a part of the time that they had while it was measured: near 1, the figures are its own.
    pub busy: f64,
    /// The most that a message was sent after it was due.
    pub late_max_us: f64,
    /// Octets, without those of TCP and IP; under TLS those inside.
    pub bytes_sent: u64,
    /// Octets that came.
    pub bytes_received: u64,
}

/// Connections and their handshakes.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Connections {
    /// How many were wanted.
    pub wanted: u64,
    /// How often one was dialled; more than once in a storm.
    pub dialled: u64,
    /// How many handshakes came to their end.
    pub opened: u64,
    /// How many came to nothing.
    pub refused: u64,
    /// How many ended by themselves after they were open.
    pub lost: u64,
    /// How many of the sessions can be resumed.
    #[serde(default)]
    pub resumable: u64,
    /// How long it took until all were dialled for the first time.
    pub seconds: f64,
    /// How many were opened in a second of these.
    pub per_second: f64,
    /// From the dial to the 101.
    pub upgrade: Latency,
    /// From the dial to the answer to `initialize`.
    pub session: Latency,
}

/// A kind of message.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Messages {
    /// Its name: `echo`, `call` or `publish`.
    pub kind: String,
    /// How many were sent, those of the warm-up too.
    pub sent: u64,
    /// How many had a right answer, those of the warm-up too.
    pub answered: u64,
    /// How many were answered with an error or a wrong answer.
    pub failed: u64,
    /// How many were not answered.
    pub unanswered: u64,
    /// Right answers in a second, while it was measured.
    pub per_second: f64,
    /// From when a message was due to its right answer, for those that were due while it was measured.
    pub latency: Latency,
}

/// Events.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Events {
    /// How many were to come to all subscribers together.
    pub expected: u64,
    /// How many came.
    pub delivered: u64,
    /// From when an event was due to be published to when it came to a subscriber.
    pub latency: Latency,
}

/// All connections were dropped at once.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Storm {
    /// How many there were.
    pub dropped: u64,
    /// How many came back in their session.
    pub resumed: u64,
    /// How many came back in a new one.
    pub renewed: u64,
    /// How long it took until all were back; none if they were not.
    pub seconds: Option<f64>,
    /// From the drop to the session, for each.
    pub latency: Latency,
}

/// Something that went wrong.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Failure {
    /// What.
    pub kind: String,
    /// How often.
    pub count: u64,
    /// What was said the first time.
    pub told: String,
}

/// One second.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Second {
    /// Which, from 0.
    pub second: u64,
    /// Connections that are open at its end.
    pub connections: u64,
    /// Connections that were opened.
    pub opened: u64,
    /// Messages that were sent.
    pub sent: u64,
    /// Right answers.
    pub answered: u64,
    /// Events that came.
    pub delivered: u64,
    /// What went wrong.
    pub errors: u64,
    /// Latencies of what is measured; 0 where nothing was.
    pub p50_us: f64,
    /// See there.
    pub p99_us: f64,
    /// See there.
    pub max_us: f64,
}

/// A distribution, in microseconds, exact to three digits.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Latency {
    /// Of how many values.
    pub count: u64,
    /// Their mean.
    pub mean_us: f64,
    /// Half took longer.
    pub p50_us: f64,
    /// One in ten took longer.
    pub p90_us: f64,
    /// One in a hundred took longer.
    pub p99_us: f64,
    /// One in a thousand took longer.
    pub p999_us: f64,
    /// The longest.
    pub max_us: f64,
    /// Each value, in microseconds, and how often it was.
    pub histogram: Vec<(f64, u64)>,
}

impl Latency {
    /// What a histogram holds.
    pub(crate) fn of(nanos: &Nanos) -> Self {
        if nanos.is_empty() {
            return Self::default();
        }
        let at = |quantile| micros(nanos.value_at_quantile(quantile));
        let values = nanos.iter_recorded();
        Self {
            count: nanos.len(),
            mean_us: nanos.mean() / 1e3,
            p50_us: at(0.5),
            p90_us: at(0.9),
            p99_us: at(0.99),
            p999_us: at(0.999),
            max_us: micros(nanos.max()),
            histogram: values
                .map(|value| (micros(value.value_iterated_to()), value.count_at_value()))
                .collect(),
        }
    }
}

/// Nanoseconds as microseconds.
pub(crate) fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}
