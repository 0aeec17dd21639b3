//! Prints docs/metrics.md from the catalogue: `cargo xtask generate` keeps it.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use metrics::catalogue::{self, Bounds, GROUPS, Instrument, Label, OWNERS, Unit, Values};
use metrics::{Histogram, LATENCY_BUCKETS};

/// How many shards the numbers of the page are for.
const SHARDS: usize = 8;

fn main() {
    let bounds = Bounds::of(SHARDS);
    let most: usize = catalogue::all().map(|instrument| instrument.most_series(bounds)).sum();
    println!(
        "# Metrics

<!-- Written by `cargo xtask generate` from crates/metrics/src/catalogue; changes here are lost. -->

Every instrument that a gateway shows at `GET /metrics` of the operators' port, and nothing else: what stands here is shown,
and what does not can't be. How it is scraped and what to watch is in [operations.md](operations.md).

## Formats

With `Accept: application/openmetrics-text` the answer is OpenMetrics 1.0, with exemplars: a bucket of
`{exemplars}` then names the trace of its newest call that was sampled, as `# {{trace_id=\"…\"}}`. Anybody
else gets Prometheus' text 0.0.4. Where both are named, the higher `q` holds, and of equal ones the text.

## How many series

A label's values are a closed set, or names that backends registered, as many as a setting allows; all further ones are `other`.
Nothing that a client sends becomes a label. So a gateway with the default settings and {SHARDS} shards has at most **{most}** time
series. `metrics.max_tools` ({tools}) is the setting that moves this most: a tool has up to {per_tool} of them.

Series with a label of names, with two labels, or of what the store is asked appear once there is something to count; all others
are there from the beginning, at 0. A histogram counts as {lines} series: {LATENCY_BUCKETS} buckets from {first} s, each bound twice the one before it, the last {last} s;
`+Inf`; the sum; the count.
",
        exemplars = catalogue::BACKEND_CALL_DURATION.name,
        tools = bounds.tools,
        per_tool = catalogue::TOOL_CALL_DURATION.lines()
            + catalogue::TOOL_CALLS.most_series(bounds) / (bounds.tools + 1),
        lines = catalogue::TOOL_CALL_DURATION.lines(),
        first = Histogram::bounds()[0],
        last = Histogram::bounds()[LATENCY_BUCKETS - 1],
    );
    for group in GROUPS {
        println!(
            "## {}\n\n| name | kind | labels | series, at most | what it says |\n|---|---|---|---|---|",
            group.title
        );
        group.instruments.iter().for_each(|instrument| row(instrument, bounds));
        println!();
    }
    print!("{}", values());
}

fn row(instrument: &Instrument, bounds: Bounds) {
    let Instrument { name, kind, help, labels, .. } = instrument;
    let labels: Vec<_> = labels.iter().map(label).collect();
    let labels = if labels.is_empty() { "none".to_owned() } else { labels.join("; ") };
    let unit = match instrument.unit() {
        Unit::Number => String::new(),
        unit => format!(", {}", unit.name()),
    };
    println!("| `{name}` | {}{unit} | {labels} | {} | {help} |", kind.name(), instrument.most_series(bounds));
}

/// A label with how many values it has; they are listed below.
fn label(label: &Label) -> String {
    let Label { name, values } = label;
    match values {
        Values::Closed(values) if values.len() <= SHORT => format!("`{name}`: `{}`", values.join("`, `")),
        Values::Closed(values) => format!("`{name}`: one of {} [below](#values-of-labels)", values.len()),
        Values::Tools => {
            format!("`{name}`: tools that backends registered, at most `metrics.max_tools`, and `other`")
        }
        Values::Owners => format!("`{name}`: backends, at most {OWNERS} for each, and `other`"),
        Values::Backends => format!("`{name}`: backends, at most `metrics.max_backends`, and `other`"),
        Values::Shards => format!("`{name}`: the number of a shard, from 0"),
        Values::Version => format!("`{name}`: the program's version"),
    }
}

/// Sets of up to so many values stand in the table.
const SHORT: usize = 8;

/// The sets that are too long for the table.
fn values() -> String {
    let mut text = "## Values of labels\n\n".to_owned();
    for instrument in catalogue::all() {
        for Label { name, values } in instrument.labels {
            if let Values::Closed(values) = values
                && values.len() > SHORT
            {
                text.push_str(&format!("- `{name}` of `{}`: `{}`\n", instrument.name, values.join("`, `")));
            }
        }
    }
    text
}
