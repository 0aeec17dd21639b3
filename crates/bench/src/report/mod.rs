//! Runs as one page: figures, percentiles and how they went, beside each other. The page loads nothing.

mod chart;
mod scale;

use std::path::Path;

use crate::text::{grouped, span};
use crate::{Error, Latency, Outcome, SCHEMA};
use chart::{Chart, Line};

/// A run that was read from a file.
#[derive(Clone, Debug)]
pub struct Run {
    /// What it is called in the page.
    pub name: String,
    /// What it measured.
    pub outcome: Outcome,
}

impl Run {
    /// Reads the file that `--json` wrote; the run is called as the file is.
    ///
    /// # Errors
    /// [`Error::File`]: it can't be read, or is no such file.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refuse = |reason: String| Error::File { path: path.to_owned(), reason };
        let bytes = std::fs::read(path).map_err(|error| refuse(error.to_string()))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes)
            .map_err(|error| refuse(format!("a file that `mcpw bench --json` wrote is needed: {error}")))?;
        let schema = value["schema"].as_str().unwrap_or_default();
        if schema != SCHEMA {
            return Err(refuse(format!("its schema is {schema:?}, and this version reads {SCHEMA:?}")));
        }
        let outcome = serde_json::from_value(value).map_err(|error| refuse(error.to_string()))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { name, outcome })
    }
}

/// A page that compares these runs.
pub fn html(runs: &[Run]) -> String {
    let mut page = include_str!("head.html").to_owned();
    page += "<h1>mcpw bench</h1>\n";
    page += &figures(runs);
    let foremost = || runs.iter().filter_map(|run| Some((run, run.outcome.foremost()?)));
    let percentiles = foremost()
        .map(|(run, (name, latency))| Line { name: format!("{}: {name}", run.name), points: nines(latency) });
    page += &Chart::nines("Latency by percentile, ms").with(percentiles);
    let by_second = |value: fn(&crate::Second) -> f64| {
        runs.iter().map(move |run| Line {
            name: run.name.clone(),
            points: run.outcome.timeline.iter().map(|second| (second.second as f64, value(second))).collect(),
        })
    };
    page += &Chart::seconds("Answers or events in each second")
        .with(by_second(|second| second.answered.max(second.delivered) as f64));
    page += &Chart::seconds("p99 of each second, ms").with(by_second(|second| second.p99_us / 1e3));
    page += &Chart::seconds("Open connections").with(by_second(|second| second.connections as f64));
    for run in runs {
        page += &details(run);
    }
    page + "</body>\n</html>\n"
}

/// Each recorded value over how many were not longer.
fn nines(latency: &Latency) -> Vec<(f64, f64)> {
    let mut seen = 0;
    let mut points = Vec::new();
    for (micros, count) in &latency.histogram {
        seen += count;
        points.push((seen as f64 / latency.count as f64, micros / 1e3));
    }
    points
}

fn figures(runs: &[Run]) -> String {
    let mut table = row(
        "th",
        ["run", "scenario", "latency of", "per second", "p50", "p90", "p99", "p99.9", "max", "errors"],
    );
    for run in runs {
        let outcome = &run.outcome;
        for (name, latency) in outcome.latencies() {
            let messages = outcome.messages.iter().find(|messages| messages.kind == name);
            let rate = match name {
                "delivery" if outcome.seconds > 0.0 => latency.count as f64 / outcome.seconds,
                "upgrade" | "session" => outcome.connections.per_second,
                _ => messages.map_or(0.0, |messages| messages.per_second),
            };
            let errors: u64 = outcome.errors.iter().map(|error| error.count).sum();
            table += &row(
                "td",
                [
                    &*run.name,
                    &outcome.parameters.scenario,
                    name,
                    &grouped(rate),
                    &span(latency.p50_us),
                    &span(latency.p90_us),
                    &span(latency.p99_us),
                    &span(latency.p999_us),
                    &span(latency.max_us),
                    &grouped(errors as f64),
                ],
            );
        }
    }
    format!("<table>\n{table}</table>\n")
}

fn details(run: &Run) -> String {
    let outcome = &run.outcome;
    let mut text = format!("<h2>{}</h2>\n<pre>{}</pre>\n", escape(&run.name), escape(&outcome.to_string()));
    let mut table = String::new();
    let parameters = serde_json::to_value(&outcome.parameters).unwrap_or_default();
    let environment = serde_json::to_value(&outcome.environment).unwrap_or_default();
    let server = outcome.server.clone().unwrap_or_default();
    table += &row("td", ["began", &outcome.started_at]);
    table += &row("td", ["gateway", &server]);
    for (name, value) in [parameters, environment].iter().filter_map(|value| value.as_object()).flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        table += &row("td", [name, &value]);
    }
    text += &format!(
        "<details><summary>Parameters and environment</summary>\n<table>\n{table}</table>\n</details>\n"
    );
    text
}

fn row<const N: usize>(cell: &str, values: [&str; N]) -> String {
    let cells: String = values.iter().map(|value| format!("<{cell}>{}</{cell}>", escape(value))).collect();
    format!("<tr>{cells}</tr>\n")
}

/// Text in which nothing is taken for markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
