//! What is printed: tables and lines for people, or the answer itself.

use super::link::Failure;
use serde_json::Value;
use std::io::{self, Write as _};

/// The answer: its members, a line each, or all of it as JSON.
pub(super) fn answer(answer: &Value, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        return writeln!(out, "{answer}");
    }
    let mut lines = Vec::new();
    flatten("", answer, &mut lines);
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in lines {
        writeln!(out, "{name:width$}  {value}")?;
    }
    Ok(())
}

/// A table of these members of each row.
pub(super) fn table(columns: &[(&str, &str)], rows: &[Value]) -> io::Result<()> {
    let mut lines = vec![columns.iter().map(|(title, _)| (*title).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|(_, member)| cell(&row[*member])).collect()));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut out = io::stdout().lock();
    for line in &lines {
        let padded = line.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
        writeln!(out, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// The answer on one line.
pub(super) fn answer_line(answer: &Value, json: bool) -> io::Result<()> {
    if json {
        return writeln!(io::stdout().lock(), "{answer}");
    }
    let mut members = Vec::new();
    flatten("", answer, &mut members);
    let members = members.into_iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>();
    writeln!(io::stdout().lock(), "{}", members.join(", "))
}

/// These members on one line, but those that are not there.
pub(super) fn line(value: &Value, members: &[&str]) -> io::Result<()> {
    let cells = members.iter().map(|member| &value[*member]).filter(|value| !value.is_null()).map(cell);
    writeln!(io::stdout().lock(), "{}", cells.collect::<Vec<_>>().join("  "))
}

/// A line for people that no program reads.
pub(super) fn note(text: &str) {
    // Stderr may be closed: then nobody reads it.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Why it was not done.
pub(super) fn problem(failure: &Failure) {
    note(&format!("mcpw admin: {failure}"));
}

fn flatten(name: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(&name, value, lines);
            }
        }
        value => lines.push((name.to_owned(), cell(value))),
    }
}

/// One value, on one line and without what would move a terminal's cursor.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    };
    // Nor does what a client calls itself turn the line around.
    let moves = |letter: char| {
        letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let text: String = text.chars().map(|letter| if moves(letter) { '\u{fffd}' } else { letter }).collect();
    if text.is_empty() { "-".to_owned() } else { text }
}
