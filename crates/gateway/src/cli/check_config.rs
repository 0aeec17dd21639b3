//! `mcpw check-config`: what a gateway would run with.

use super::gateway::Sources;
use crate::config;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `mcpw check-config`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    sources: Sources,
}

/// Prints the configuration in force as YAML, without secrets. Keys are read and checked too.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sources = &arguments.sources;
    let config = config::load(config::Config::default(), sources.config.as_deref(), &sources.overrides())?;
    auth::Verifier::new(&config.auth)?;
    crate::logging::check(&config.log)?;
    write!(std::io::stdout(), "{}", serde_saphyr::to_string(&config)?)?;
    Ok(ExitCode::SUCCESS)
}
