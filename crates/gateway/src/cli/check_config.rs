//! `mcpw check-config`: what a gateway would run with, and where each value comes from.

use super::gateway::Sources;
use crate::config::{Config, Shown};
use crate::gateway::{admin_tls, client_tls, operators, registrants, registry_tls, verifier};
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `mcpw check-config`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Ends with 0 if the configuration is right, with 1 if it is not, and with 2 if the command line is wrong."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    sources: Sources,
    /// Print the values alone, without where they come from.
    #[arg(long)]
    plain: bool,
    /// Print only what is another value than the default.
    #[arg(long)]
    changed: bool,
    /// Print JSON: for each key its value and its source; with --plain a tree of the values.
    #[arg(long)]
    json: bool,
}

/// Prints the configuration in force as YAML, without secrets. Keys and certificates are read and checked too.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let loaded = arguments.sources.above(Config::default()).load()?;
    let config = &loaded.config;
    verifier(config)?;
    client_tls(config)?;
    registry_tls(config)?;
    registrants(config)?;
    admin_tls(config)?;
    operators(config)?;
    router::Dialer::new(config.router.clone()).map_err(|error| anyhow::anyhow!("router.tls: {error}"))?;
    metrics::trace::Exporter::check(&config.traces).map_err(|error| anyhow::anyhow!("traces.{error}"))?;
    crate::logging::check(&config.log)?;
    let shown = Shown { sources: !arguments.plain, changed: arguments.changed };
    let mut out = std::io::stdout();
    if arguments.json {
        writeln!(out, "{:#}", loaded.json(shown)?)?;
    } else {
        write!(out, "{}", loaded.yaml(shown)?)?;
    }
    Ok(ExitCode::SUCCESS)
}
