//! The pictures of docs/benchmarks.md, from the figures of a run of the suite.

use std::fs;

use anyhow::{Context, Result};
use serde_json::Value;

use super::budget::grouped;
use super::svg::{self, Across, Bar, Line};
use crate::workspace::root;

/// Draws what was measured; what is missing in the figures has no picture.
pub(crate) fn draw(figures: &Value) -> Result<()> {
    let details = &figures["details"];
    let mut pictures = Vec::new();
    if let Some(rows) = details["echo"].as_array() {
        for (load, name) in
            [("pipelined JSON", "json"), ("pipelined binary", "binary"), ("ping-pong JSON", "ping-pong")]
        {
            let title = format!("Echo, {load}: server CPU for a message, ns (less is better)");
            pictures.push((format!("bench-echo-{name}"), svg::bars(&title, &echo(rows, load))));
        }
    }
    if let Some(rows) = details["calls"].as_array() {
        let open =
            rows.iter().filter(|row| row["calls"].as_str().is_some_and(|calls| calls.starts_with("open")));
        let lines: Vec<_> = open
            .map(|row| Line {
                name: format!(
                    "{}, {}",
                    row["gateway"].as_str().unwrap_or_default(),
                    row["calls"].as_str().unwrap_or_default()
                ),
                points: cumulated(&row["histogram"]),
            })
            .collect();
        let title = "tool.execute at a fixed rate: latency by percentile, µs";
        pictures.push(("bench-calls".to_owned(), svg::lines(title, Across::Nines(4.0), &lines)));
    }
    let storm = cumulated(&details["storm"]["histogram"]);
    if let Some((_, longest)) = storm.last() {
        let most = (longest / 1e6).ceil().max(4.0);
        let points = storm.iter().map(|(part, micros)| (micros / 1e6, *part)).collect();
        let line = Line { name: "connections that are back in their sessions".to_owned(), points };
        let title = "A storm of 18,000 reconnects: back after so many seconds";
        pictures.push(("bench-storm".to_owned(), svg::lines(title, Across::Up(most), &[line])));
    }
    let folder = root().join("docs/pictures");
    for (name, svg) in pictures {
        let path = folder.join(format!("{name}.svg"));
        fs::write(&path, svg).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn echo(rows: &[Value], load: &str) -> Vec<Bar> {
    let rows = rows.iter().filter(|row| row["load"] == load);
    rows.filter_map(|row| {
        let (name, value) = (row["server"].as_str()?.to_owned(), row["cpu_nanos"]["median"].as_f64()?);
        Some(Bar { is_ours: name.starts_with("mcpw"), name, value, text: grouped(value, 0) })
    })
    .collect()
}

/// What part of all values was not longer, for each value.
fn cumulated(histogram: &Value) -> Vec<(f64, f64)> {
    let values: Vec<(f64, f64)> = histogram
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair[0].as_f64()?, pair[1].as_f64()?)))
        .collect();
    let all: f64 = values.iter().map(|(_, count)| count).sum();
    let mut seen = 0.0;
    let mut points = Vec::new();
    for (micros, count) in values {
        seen += count;
        points.push((seen / all, micros));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_has_the_part_of_those_that_were_not_longer() {
        let histogram = serde_json::json!([[1.0, 6], [5.0, 3], [9.0, 1]]);
        assert_eq!(cumulated(&histogram), [(0.6, 1.0), (0.9, 5.0), (1.0, 9.0)]);
        assert!(cumulated(&Value::Null).is_empty());
    }
}
