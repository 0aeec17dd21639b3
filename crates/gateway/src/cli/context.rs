//! `mcpw context`: the context service, a backend that registers at gateways.

use super::{runtime, signals};
use crate::config::{self, Config, ConfigError, Overrides};
use crate::logging;
use context::{Database, Service};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `mcpw context`. Each stands above the key of the same name below `context`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A YAML file; deploy/config/mcpw.yaml shows every key. The environment (CONTEXT_DATABASE for context.database)
    /// stands above it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// sqlite:PATH, or postgres://USER:PASSWORD@HOST:PORT/DATABASE.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// A gateway's gRPC address, as http://host:port or https://host:port; may be given several times.
    #[arg(long, value_name = "URL")]
    registry: Vec<String>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address that gateways shall dial, if it is not the one listened on.
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<String>,
    /// A file with the token by which the gateways know the service.
    #[arg(long, value_name = "FILE")]
    registry_token_file: Option<PathBuf>,
    /// The authorities of gateways that are registered at by https, PEM, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The service's certificate, PEM, shown to gateways; with it the service's own port speaks TLS.
    #[arg(long, value_name = "FILE")]
    cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The authorities of the certificates that gateways have to show at the service's own port, PEM.
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,
}

impl Arguments {
    fn load(&self) -> Result<Config, ConfigError> {
        if let Some(database) = &self.database {
            // Here, since the configuration's own words would repeat the value, and a password in it.
            let wrong = |right| ConfigError::Type(format!("--database: {right}"));
            database.parse::<Database>().map_err(wrong)?;
        }
        let mut overrides = Overrides::new();
        let texts = [
            ("context.database", "--database", &self.database),
            ("context.listen", "--listen", &self.listen),
            ("context.advertise", "--advertise", &self.advertise),
        ];
        for (key, flag, text) in texts {
            if let Some(text) = text {
                overrides.insert(key, (flag, text.as_str().into()));
            }
        }
        let files = [
            ("context.registry_token_file", "--registry-token-file", &self.registry_token_file),
            ("context.ca_file", "--ca-file", &self.ca_file),
            ("context.cert_file", "--cert-file", &self.cert_file),
            ("context.key_file", "--key-file", &self.key_file),
            ("context.client_ca_file", "--client-ca-file", &self.client_ca_file),
        ];
        for (key, flag, file) in files {
            if let Some(file) = file {
                overrides.insert(key, (flag, file.to_string_lossy().as_ref().into()));
            }
        }
        if !self.registry.is_empty() {
            overrides.insert("context.registry", ("--registry", self.registry.clone().into()));
        }
        config::load(Config::default(), self.config.as_deref(), &overrides)
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.load()?;
    logging::init(&config.log)?;
    runtime()?.block_on(async {
        // Before anything is bound, so that whoever sees it bound can end it well.
        let ended = signals::ended();
        let database = config.context.database.clone();
        let mut service = Service::start(config.context).await?;
        tracing::info!(%database, address = %service.local_addr(), "serving contexts");
        writeln!(std::io::stdout(), "{}", serde_json::json!({ "listening": service.local_addr() }))?;
        tokio::select! {
            served = service.wait() => served?,
            () = ended => service.shutdown().await,
        }
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}
