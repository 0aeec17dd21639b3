//! Log lines on standard error: JSON for machines, or for people. The process has one log, whose level may change.

use crate::config::{Log, LogFormat};
use std::io::IsTerminal;
use std::sync::OnceLock;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload::Error;

type Set = Box<dyn Fn(EnvFilter) -> Result<(), Error> + Send + Sync>;

/// How its level is changed; none before it is set up.
static LEVEL: OnceLock<Set> = OnceLock::new();

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
    if json {
        let builder = builder.json().flatten_event(true).with_filter_reloading();
        let level = builder.reload_handle();
        if builder.try_init().is_ok() {
            let _ = LEVEL.set(Box::new(move |filter| level.reload(filter)));
        }
    } else {
        let builder = builder.with_filter_reloading();
        let level = builder.reload_handle();
        if builder.try_init().is_ok() {
            let _ = LEVEL.set(Box::new(move |filter| level.reload(filter)));
        }
    }
    Ok(())
}

/// Logs from this level on.
///
/// # Errors
/// It is neither a level nor a filter, or the process has set up no log.
pub(crate) fn set(level: &str) -> Result<(), String> {
    let filter = filter(level)
        .map_err(|error| format!("{level:?}: {error}; a level (error, warn, info, debug, trace), or a filter such as gateway=debug,info, is needed"))?;
    let set = LEVEL.get().ok_or("the log is not this gateway's: it was set up by whoever runs it")?;
    set(filter).map_err(|error| error.to_string())
}
