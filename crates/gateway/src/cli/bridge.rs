//! `mcpw bridge`: servers of Model Context Protocol as a backend that registers at gateways.

use super::{runtime, signals};
use crate::config::{self, Config, ConfigError, Overrides};
use crate::logging;
use anyhow::Context as _;
use bridge::Service;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `mcpw bridge`. Each stands above the key of the same name below `bridge`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example of a configuration:\n\n  bridge:\n    registry: [\"http://127.0.0.1:9091\"]\n    servers:\n      - name: files\n        command: [npx, -y, \"@modelcontextprotocol/server-filesystem\", /srv/files]\n      - name: search\n        url: https://search.example.com/mcp\n        bearer_token_env: SEARCH_TOKEN\n\n`mcpw check-config --config FILE` checks it without starting anything."
)]
pub(super) struct Arguments {
    /// A YAML file; deploy/config/mcpw.yaml shows every key. The environment (BRIDGE_NAME for bridge.name) stands above it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The backend's name at gateways.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A gateway's gRPC address, as http://host:port or https://host:port; may be given several times.
    #[arg(long, value_name = "URL")]
    registry: Vec<String>,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The address that gateways shall dial, if it is not the one listened on.
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<String>,
    /// A file with the token by which the gateways know the bridge.
    #[arg(long, value_name = "FILE")]
    registry_token_file: Option<PathBuf>,
}

impl Arguments {
    fn load(&self) -> Result<Config, ConfigError> {
        let mut overrides = Overrides::new();
        let texts = [
            ("bridge.name", "--name", &self.name),
            ("bridge.listen", "--listen", &self.listen),
            ("bridge.advertise", "--advertise", &self.advertise),
        ];
        for (key, flag, text) in texts {
            if let Some(text) = text {
                overrides.insert(key, (flag, text.as_str().into()));
            }
        }
        if let Some(file) = &self.registry_token_file {
            let file = file.to_string_lossy();
            overrides.insert("bridge.registry_token_file", ("--registry-token-file", file.as_ref().into()));
        }
        if !self.registry.is_empty() {
            overrides.insert("bridge.registry", ("--registry", self.registry.clone().into()));
        }
        config::load(Config::default(), self.config.as_deref(), &overrides)
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = arguments.load()?;
    logging::init(&config.log)?;
    anyhow::ensure!(
        !config.bridge.servers.is_empty(),
        "bridge.servers names no server: list at least one, with a command or a url"
    );
    let supervisor = supervisor()?;
    runtime()?.block_on(async {
        // Before anything is bound, so that whoever sees it bound can end it well.
        let ended = signals::ended();
        let mut service = Service::start(config.bridge, supervisor).await?;
        tracing::info!(address = %service.local_addr(), "serving servers of Model Context Protocol");
        writeln!(std::io::stdout(), "{}", serde_json::json!({ "listening": service.local_addr() }))?;
        tokio::select! {
            served = service.wait() => served?,
            () = ended => service.shutdown().await,
        }
        anyhow::Ok(())
    })?;
    Ok(ExitCode::SUCCESS)
}

/// This program, which knows `supervise`.
pub(super) fn supervisor() -> anyhow::Result<PathBuf> {
    std::env::current_exe()
        .context("this program's own file is not known, and children can't be watched over")
}
