//! `mcpw check-config`: what a gateway would run with.

use super::gateway::Sources;
use crate::config::Config;
use crate::gateway::verifier;
use crate::tls::Follower;
use std::io::Write;
use std::process::ExitCode;

/// Prints the configuration in force as YAML, without secrets. Keys and certificates are read and checked too.
pub(super) fn run(sources: &Sources) -> anyhow::Result<ExitCode> {
    let config = sources.load(Config::default())?;
    verifier(&config)?;
    if config.tls.is_on() {
        Follower::start(&config.tls)?;
    }
    crate::logging::check(&config.log)?;
    write!(std::io::stdout(), "{}", serde_saphyr::to_string(&config)?)?;
    Ok(ExitCode::SUCCESS)
}
