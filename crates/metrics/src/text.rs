//! The instruments as text, in either format, written from the catalogue.

use crate::catalogue::{self, Instrument, Unit};
use crate::exemplar::Exemplar;
use crate::histogram::Summed;
use crate::{Format, Histogram, Pod};
use std::fmt::Write;
use std::sync::Arc;

/// Writes what a pod counted whenever it is asked.
#[derive(Debug)]
pub struct Exposition(Arc<Pod>);

impl Exposition {
    /// An exposition of this pod's instruments.
    pub const fn new(pod: Arc<Pod>) -> Self {
        Self(pod)
    }

    /// The text of this moment.
    pub fn text(&self, format: Format) -> String {
        let mut text = String::new();
        for instrument in catalogue::all() {
            head(&mut text, instrument, format);
            (instrument.read)(&self.0, &mut Series { text: &mut text, instrument, format });
        }
        if format == Format::OpenMetrics {
            text.push_str("# EOF\n");
        }
        text
    }
}

fn head(text: &mut String, instrument: &Instrument, format: Format) {
    let (kind, help) = (instrument.kind.name(), instrument.help);
    let name = match format {
        Format::Prometheus => instrument.name,
        Format::OpenMetrics => instrument.family(),
    };
    // Writing into a String cannot fail, here and below.
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} {kind}");
    let unit = instrument.unit();
    let is_named = unit != Unit::Number && name.ends_with(unit.name());
    if format == Format::OpenMetrics && is_named {
        let _ = writeln!(text, "# UNIT {name} {}", unit.name());
    }
}

/// Where the series of one instrument are written. Labels are told by their values, in the catalogue's order.
#[derive(Debug)]
pub(crate) struct Series<'a> {
    text: &'a mut String,
    instrument: &'static Instrument,
    format: Format,
}

impl Series<'_> {
    /// A series with this value.
    pub(crate) fn number(&mut self, labels: &[&str], value: u64) {
        self.begin("", labels, None);
        let _ = writeln!(self.text, " {value}");
    }

    /// A series with this value.
    pub(crate) fn float(&mut self, labels: &[&str], value: f64) {
        self.begin("", labels, None);
        let _ = writeln!(self.text, " {value}");
    }

    /// A series that appears with its first count.
    pub(crate) fn seen(&mut self, labels: &[&str], value: u64) {
        if value > 0 {
            self.number(labels, value);
        }
    }

    /// A series for each value of the one label.
    pub(crate) fn each<const N: usize>(&mut self, values: [&str; N], count: impl Fn(usize) -> u64) {
        for (place, value) in values.into_iter().enumerate() {
            self.number(&[value], count(place));
        }
    }

    /// The sum of these histograms. With labels it appears with its first observation.
    pub(crate) fn histogram<'h>(&mut self, labels: &[&str], of: impl Iterator<Item = &'h Histogram>) {
        let summed: Summed = of.collect();
        if !labels.is_empty() && summed.count() == 0 {
            return;
        }
        let bounds = Histogram::bounds().into_iter().map(Some).chain([None]);
        let mut count = 0;
        for ((bound, bucket), exemplar) in bounds.zip(summed.buckets).zip(summed.exemplars) {
            count += bucket;
            let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
            self.begin("_bucket", labels, Some(&bound));
            let _ = write!(self.text, " {count}");
            if let (Some(exemplar), Format::OpenMetrics) = (exemplar, self.format) {
                let Exemplar { trace, seconds, at } = exemplar;
                let _ = write!(self.text, " # {{trace_id=\"{trace}\"}} {seconds} {at:.3}");
            }
            self.text.push('\n');
        }
        self.begin("_sum", labels, None);
        let _ = writeln!(self.text, " {}", summed.seconds);
        self.begin("_count", labels, None);
        let _ = writeln!(self.text, " {count}");
    }

    /// The name of a series and its labels.
    fn begin(&mut self, ending: &str, values: &[&str], bound: Option<&str>) {
        let Instrument { name, labels, .. } = *self.instrument;
        debug_assert_eq!(labels.len(), values.len(), "{name} has other labels");
        self.text.push_str(name);
        self.text.push_str(ending);
        let labels = labels.iter().map(|label| label.name).zip(values.iter().copied());
        for (place, (label, value)) in labels.chain(bound.map(|bound| ("le", bound))).enumerate() {
            self.text.push(if place == 0 { '{' } else { ',' });
            let _ = write!(self.text, "{label}=\"");
            for c in value.chars() {
                match c {
                    '\\' | '"' => self.text.extend(['\\', c]),
                    '\n' => self.text.push_str("\\n"),
                    c => self.text.push(c),
                }
            }
            self.text.push('"');
        }
        if !values.is_empty() || bound.is_some() {
            self.text.push('}');
        }
    }
}
