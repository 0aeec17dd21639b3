//! What the audit log says, read while the gateway writes it.

use serde_json::Value;
use std::path::Path;

/// The lines that are whole, the oldest first.
///
/// # Panics
/// There is no such file, or a line of it is no JSON.
pub fn audited(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("there is an audit log");
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    whole.lines().map(parse).collect()
}
