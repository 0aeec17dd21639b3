//! What is said of an instrument, and how many series it may have at most.

use crate::text::Series;
use crate::{LATENCY_BUCKETS, Pod};

/// One instrument.
#[derive(Debug)]
pub struct Instrument {
    /// As in Prometheus' text: that of a counter ends with `_total`.
    pub name: &'static str,
    /// How its values move.
    pub kind: Kind,
    /// What it says, in a sentence without a full stop.
    pub help: &'static str,
    /// What tells its series apart.
    pub labels: &'static [Label],
    pub(crate) read: fn(&Pod, &mut Series<'_>),
}

/// How the values of an instrument move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only up, from 0 at the start of the process.
    Counter,
    /// Up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

impl Kind {
    /// As in the text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What the values of an instrument are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds; also a moment, in Unix seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// How many.
    Number,
}

impl Unit {
    /// The unit's name; that of a bare number is empty.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Number => "",
        }
    }
}

/// A label of an instrument.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub values: Values,
}

/// For each backend, how many others are named that have tools of its.
pub const OWNERS: usize = 3;

/// The values that a label may have.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// One of these.
    Closed(&'static [&'static str]),
    /// Names of tools that backends registered, at most `metrics.max_tools`, and `other`.
    Tools,
    /// Names of backends, at most `metrics.max_backends`, and `other`.
    Backends,
    /// Names of backends that have tools of another one's, at most [`OWNERS`] for each of these, and `other`.
    Owners,
    /// The number of a shard, from 0.
    Shards,
    /// The version of the program.
    Version,
}

impl Values {
    /// How many there are at most.
    pub const fn most(self, bounds: Bounds) -> usize {
        match self {
            Self::Closed(values) => values.len(),
            Self::Tools => bounds.tools + 1,
            Self::Backends => bounds.backends + 1,
            Self::Owners => OWNERS + 1,
            Self::Shards => bounds.shards,
            Self::Version => 1,
        }
    }
}

/// What bounds the number of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Shards of the pod.
    pub shards: usize,
    /// `metrics.max_tools`.
    pub tools: usize,
    /// `metrics.max_backends`.
    pub backends: usize,
}

impl Bounds {
    /// The default of `metrics.max_tools`.
    pub const TOOLS: usize = 200;
    /// The default of `metrics.max_backends`.
    pub const BACKENDS: usize = 100;

    /// A pod of this many shards, with the default settings.
    pub const fn of(shards: usize) -> Self {
        Self { shards, tools: Self::TOOLS, backends: Self::BACKENDS }
    }
}

impl Instrument {
    /// How many lines one set of labels has: a histogram has its buckets, the sum and the count.
    pub const fn lines(&self) -> usize {
        match self.kind {
            Kind::Counter | Kind::Gauge => 1,
            Kind::Histogram => LATENCY_BUCKETS + 3,
        }
    }

    /// How many time series it has at most.
    pub fn most_series(&self, bounds: Bounds) -> usize {
        self.labels.iter().map(|label| label.values.most(bounds)).product::<usize>() * self.lines()
    }

    /// What its values are in. Every name says so.
    pub fn unit(&self) -> Unit {
        let mut words = self.name.split('_');
        match words.find(|word| ["seconds", "bytes"].contains(word)) {
            Some("seconds") => Unit::Seconds,
            Some(_) => Unit::Bytes,
            None => Unit::Number,
        }
    }

    /// The name without what OpenMetrics adds to it by its kind.
    pub fn family(&self) -> &'static str {
        self.name.strip_suffix("_total").unwrap_or(self.name)
    }
}

/// A label with a closed set of values.
pub(super) const fn one_of(name: &'static str, values: &'static [&'static str]) -> Label {
    Label { name, values: Values::Closed(values) }
}
