//! Series, as PromQL selects them: a metric only as an instrument of the catalogue, a label only as one of the instrument's.

use crate::Expr;
use metrics::catalogue::{Instrument, Kind, Values};

/// What whoever scrapes a pod calls it.
const TARGET: [&str; 4] = ["namespace", "job", "pod", "instance"];

/// Whose series are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope {
    /// Those of the job and the pods that a dashboard's variables name.
    Board,
    /// Those of every job of ours.
    Rules,
}

impl Scope {
    const fn matchers(self) -> &'static str {
        match self {
            Self::Board => "job=~\"$job\",pod=~\"$pod\"",
            Self::Rules => "job=~\".*mcpw.*\"",
        }
    }

    /// The series of an instrument.
    pub(crate) fn of(self, instrument: &'static Instrument) -> Selector {
        let matchers = self.matchers().to_owned();
        Selector { name: instrument.name.to_owned(), instrument: Some(instrument), matchers }
    }

    /// Whether Prometheus reaches the pods: the one series that it makes itself.
    pub(crate) fn up(self) -> Selector {
        Selector { name: "up".to_owned(), instrument: None, matchers: self.matchers().to_owned() }
    }
}

/// Series, before it is said what is done with their samples.
#[derive(Clone, Debug)]
pub(crate) struct Selector {
    name: String,
    instrument: Option<&'static Instrument>,
    matchers: String,
}

impl Selector {
    /// Those whose label is one of these values.
    pub(crate) fn among(self, label: &str, values: &[&str]) -> Self {
        self.matched(label, values, if values.len() == 1 { "=" } else { "=~" })
    }

    /// Those whose label is none of these values.
    pub(crate) fn except(self, label: &str, values: &[&str]) -> Self {
        self.matched(label, values, if values.len() == 1 { "!=" } else { "!~" })
    }

    /// Those whose label is what a dashboard's variable says.
    pub(crate) fn chosen(mut self, label: &str) -> Self {
        self.check(label);
        self.matchers += &format!(",{label}=~\"${label}\"");
        self
    }

    fn matched(mut self, label: &str, values: &[&str], operator: &str) -> Self {
        for value in values {
            self.check_value(label, value);
        }
        self.matchers += &format!(",{label}{operator}\"{}\"", values.join("|"));
        self
    }

    /// The observations of a histogram, in its buckets.
    fn part(mut self, part: &str) -> Self {
        let kind = self.instrument.map(|instrument| instrument.kind);
        assert!(kind == Some(Kind::Histogram), "{} is no histogram", self.name);
        self.name += part;
        self
    }

    /// How many observations a histogram has.
    pub(crate) fn count(self) -> Self {
        self.part("_count")
    }

    /// The latest samples.
    pub(crate) fn now(self) -> Expr {
        Expr::term(format!("{}{{{}}}", self.name, self.matchers))
    }

    /// How fast a counter grows, per second.
    pub(crate) fn rate(self, window: &str) -> Expr {
        self.grows();
        self.over("rate", window)
    }

    /// By how much a counter has grown.
    pub(crate) fn increase(self, window: &str) -> Expr {
        self.grows();
        self.over("increase", window)
    }

    /// The highest sample.
    pub(crate) fn highest(self, window: &str) -> Expr {
        self.over("max_over_time", window)
    }

    /// How often the sample has changed.
    pub(crate) fn changes(self, window: &str) -> Expr {
        self.over("changes", window)
    }

    /// The observations of a histogram that each bucket took, per second, summed by these labels.
    pub(crate) fn buckets(self, window: &str, by: &[&str]) -> Expr {
        self.clone().checked(by);
        self.part("_bucket").over("rate", window).sum(&[&["le"], by].concat())
    }

    /// The value of a histogram that this share of the observations is not above, by these labels.
    pub(crate) fn quantile(self, share: f64, window: &str, by: &[&str]) -> Expr {
        Expr::term(format!("histogram_quantile({share}, {})", self.buckets(window, by)))
    }

    fn over(self, function: &str, window: &str) -> Expr {
        Expr::term(format!("{function}({}{{{}}}[{window}])", self.name, self.matchers))
    }

    fn grows(&self) {
        let kind = self.instrument.map(|instrument| instrument.kind);
        assert!(kind != Some(Kind::Gauge), "{} is a gauge, and has no rate", self.name);
    }

    /// These series, if all of these are labels of theirs.
    pub(crate) fn checked(self, labels: &[&str]) -> Self {
        for label in labels {
            self.check(label);
        }
        self
    }

    fn check(&self, label: &str) {
        let own =
            self.instrument.is_some_and(|instrument| instrument.labels.iter().any(|own| own.name == label));
        assert!(own || TARGET.contains(&label), "{} has no label {label}", self.name);
    }

    fn check_value(&self, label: &str, value: &str) {
        self.check(label);
        let labels = self.instrument.map_or(&[][..], |instrument| instrument.labels);
        for own in labels.iter().filter(|own| own.name == label) {
            if let Values::Closed(values) = own.values {
                assert!(values.contains(&value), "{}: {label} is never {value}", self.name);
            }
        }
    }
}
