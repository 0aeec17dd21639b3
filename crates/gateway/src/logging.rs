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
    EnvFilter::try_new(&log.level).map(|_| ())
}

/// Sets up the process's log.
///
/// # Errors
/// The level is neither a level nor a filter.
pub(crate) fn init(log: &Log) -> Result<(), ParseError> {
    let filter = EnvFilter::try_new(&log.level)?;
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
