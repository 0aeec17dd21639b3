//! docs/troubleshooting.md: its messages are those that the programs give.

use std::path::Path;

use crate::markdown::prose;
use crate::repository;

/// The source of all crates, in which a text that goes over several lines is one.
fn source() -> String {
    let mut text = String::new();
    collect(&repository().join("crates"), &mut text);
    let lines: Vec<_> = text.split("\\\n").map(str::trim_start).collect();
    lines.concat().replace("\\\"", "\"")
}

fn collect(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).expect("source is UTF-8"));
        }
    }
}

#[test]
fn every_message_of_the_page_is_one_that_a_program_gives() {
    let source = source();
    let mut count = 0;
    let mut missing = Vec::new();
    for (line, text) in prose(&repository().join("docs/troubleshooting.md")) {
        let Some(row) = text.strip_prefix("| ") else { continue };
        let message = row.split(" | ").next().unwrap_or_default();
        for shown in message.split('`').skip(1).step_by(2) {
            count += 1;
            let parts = shown.split('…').map(str::trim).filter(|part| part.len() > 2);
            missing.extend(parts.filter(|part| !source.contains(part)).map(|part| format!("{line}: {part}")));
        }
    }
    assert!(missing.is_empty(), "in no program:\n{}", missing.join("\n"));
    assert!(count > 50, "{count} messages were found");
}
