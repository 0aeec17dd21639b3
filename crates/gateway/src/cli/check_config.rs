//! `mcpw check-config`: what a gateway would run with.

use super::gateway::Sources;
use crate::config::Config;
use crate::gateway::{client_tls, registrants, registry_tls, verifier};
use std::io::Write;
use std::process::ExitCode;

/// Prints the configuration in force as YAML, without secrets. Keys and certificates are read and checked too.
pub(super) fn run(sources: &Sources) -> anyhow::Result<ExitCode> {
    let config = sources.load(Config::default())?;
    verifier(&config)?;
    client_tls(&config)?;
    registry_tls(&config)?;
    registrants(&config)?;
    router::Dialer::new(config.router.clone()).map_err(|error| anyhow::anyhow!("router.tls: {error}"))?;
    metrics::trace::Exporter::check(&config.traces).map_err(|error| anyhow::anyhow!("traces.{error}"))?;
    crate::logging::check(&config.log)?;
    write!(std::io::stdout(), "{}", serde_saphyr::to_string(&config)?)?;
    Ok(ExitCode::SUCCESS)
}
