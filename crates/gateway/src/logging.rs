//! Log lines on standard error: JSON for machines, or for people.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Whether the level can be used.
///
/// # Errors
/// It is neither a level nor a filter.
pub(crate) fn check(log: &Log) -> Result<(), ParseError> {
    filter(&log.level).map(|_| ())
}

/// The crates of the project, to which a plain level applies; libraries stay at info.
const OURS: [&str; 9] =
    ["gateway", "router", "auth", "session_store", "backend", "context", "tools", "client", "mcpw"];

fn filter(level: &str) -> Result<EnvFilter, ParseError> {
    let directives = match level.to_ascii_lowercase().as_str() {
        level @ ("debug" | "trace") => {
            OURS.iter().fold("info".to_owned(), |all, ours| format!("{all},{ours}={level}"))
        }
        _ => level.to_owned(),
    };
    EnvFilter::try_new(directives)
}

/// Sets up the process's log.
///
/// # Errors
/// The level is neither a level nor a filter.
pub(crate) fn init(log: &Log) -> Result<(), ParseError> {
    let filter = filter(&log.level)?;
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Human => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second set-up in one process, as tests make it, keeps the first.
    let _ = if json { builder.json().flatten_event(true).try_init() } else { builder.try_init() };
    Ok(())
}
