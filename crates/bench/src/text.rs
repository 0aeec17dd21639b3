//! An outcome as lines for a person.

use std::fmt;

use crate::{Latency, Outcome};

/// A whole number with commas.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A time in the unit that fits.
pub(crate) fn span(micros: f64) -> String {
    match micros {
        ..1_000.0 => format!("{micros:.0} µs"),
        ..1_000_000.0 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = &self.parameters;
        let flow = match parameters.rate {
            _ if self.messages.is_empty() => String::new(),
            Some(rate) => format!(", {} messages/s due", grouped(rate)),
            None => format!(", {} under way on each", parameters.depth),
        };
        let plural = if parameters.threads == 1 { "" } else { "s" };
        writeln!(
            f,
            "{}: {} connections on {} thread{plural}{flow}, measured for {:.1} s",
            parameters.scenario,
            grouped(self.connections.wanted as f64),
            parameters.threads,
            self.seconds
        )?;
        let connections = &self.connections;
        writeln!(
            f,
            "connections  {} opened in {:.2} s ({}/s), {} refused, {} lost",
            grouped(connections.opened as f64),
            connections.seconds,
            grouped(connections.per_second),
            grouped(connections.refused as f64),
            grouped(connections.lost as f64)
        )?;
        for messages in &self.messages {
            writeln!(
                f,
                "{:<12} {}/s; {} sent, {} answered, {} failed, {} unanswered",
                messages.kind,
                grouped(messages.per_second),
                grouped(messages.sent as f64),
                grouped(messages.answered as f64),
                grouped(messages.failed as f64),
                grouped(messages.unanswered as f64)
            )?;
        }
        if let Some(events) = &self.events {
            let (delivered, expected) = (events.delivered as f64, events.expected as f64);
            writeln!(f, "events       {} of {} delivered", grouped(delivered), grouped(expected))?;
        }
        if let Some(storm) = &self.storm {
            let time = storm
                .seconds
                .map_or("not all came back".to_owned(), |seconds| format!("all back after {seconds:.2} s"));
            writeln!(
                f,
                "storm        {time}; {} resumed, {} in a new session",
                storm.resumed, storm.renewed
            )?;
        }
        if parameters.scenario == "idle" {
            writeln!(f, "pings        {}", grouped(self.pings as f64))?;
        }
        writeln!(
            f,
            "\n{:<12} {:>11} {:>11} {:>11} {:>11} {:>11} {:>12}",
            "latency", "p50", "p90", "p99", "p99.9", "max", "count"
        )?;
        for (name, latency) in self.latencies() {
            let Latency { p50_us, p90_us, p99_us, p999_us, max_us, count, .. } = latency;
            writeln!(
                f,
                "{name:<12} {:>11} {:>11} {:>11} {:>11} {:>11} {:>12}",
                span(*p50_us),
                span(*p90_us),
                span(*p99_us),
                span(*p999_us),
                span(*max_us),
                grouped(*count as f64)
            )?;
        }
        let generator = &self.generator;
        writeln!(
            f,
            "\ngenerator    {:.0} % busy{}, at most {} late",
            generator.busy * 100.0,
            if parameters.spin { ", never asleep" } else { "" },
            span(generator.late_max_us)
        )?;
        if self.errors.is_empty() {
            writeln!(f, "errors       none")?;
        }
        for error in &self.errors {
            writeln!(f, "error        {} × {}: {}", grouped(error.count as f64), error.kind, error.told)?;
        }
        for remark in &self.remarks {
            writeln!(f, "note         {remark}")?;
        }
        Ok(())
    }
}

impl Outcome {
    /// All distributions that are not empty, by name.
    pub fn latencies(&self) -> Vec<(&str, &Latency)> {
        let connections = &self.connections;
        let mut all = vec![("upgrade", &connections.upgrade), ("session", &connections.session)];
        all.extend(self.messages.iter().map(|messages| (messages.kind.as_str(), &messages.latency)));
        all.extend(self.events.iter().map(|events| ("delivery", &events.latency)));
        all.extend(self.storm.iter().map(|storm| ("back", &storm.latency)));
        all.retain(|(_, latency)| latency.count > 0);
        all
    }

    /// The distribution that the scenario is about.
    pub fn foremost(&self) -> Option<(&str, &Latency)> {
        self.latencies().pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        for (number, expected) in [(0.0, "0"), (999.4, "999"), (1_000.0, "1,000"), (1_234_567.0, "1,234,567")]
        {
            assert_eq!(grouped(number), expected);
        }
        for (micros, expected) in [(12.4, "12 µs"), (1_500.0, "1.50 ms"), (2_000_000.0, "2.00 s")] {
            assert_eq!(span(micros), expected);
        }
    }
}
