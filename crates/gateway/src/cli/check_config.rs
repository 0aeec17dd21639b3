//! `mcpw check-config`: what a gateway would run with.

use super::gateway::Sources;
use crate::config::Config;
use std::io::Write;
use std::process::ExitCode;

/// Prints the configuration in force as YAML, without secrets. Keys are read and checked too.
pub(super) fn run(sources: &Sources) -> anyhow::Result<ExitCode> {
    let config = sources.load(Config::default())?;
    auth::Verifier::new(&config.auth)?;
    crate::logging::check(&config.log)?;
    write!(std::io::stdout(), "{}", serde_saphyr::to_string(&config)?)?;
    Ok(ExitCode::SUCCESS)
}
