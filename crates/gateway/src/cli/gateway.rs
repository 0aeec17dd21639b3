//! `mcpw gateway`: a gateway as configured.

use super::{runtime, signals};
use crate::config::{self, Config, Overrides};
use crate::{Gateway, logging};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where settings come from, for every command that runs a gateway.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Sources {
    /// A YAML file; deploy/config/mcpw.yaml shows every key. The environment (WEBSOCKET_MAX_CONNECTIONS for
    /// websocket.max_connections) stands above it.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where clients connect: websocket.listen.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// Metrics and health: admin.listen.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
    /// Where backends register: registry.listen.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) grpc: Option<SocketAddr>,
}

impl Sources {
    /// `base`, then the file, the environment and the flags.
    pub(super) fn above(&self, base: Config) -> config::Sources {
        config::Sources { base, file: self.config.clone(), overrides: self.overrides() }
    }

    fn overrides(&self) -> Overrides {
        [
            ("websocket.listen", "--listen", self.listen),
            ("admin.listen", "--admin", self.admin),
            ("registry.listen", "--grpc", self.grpc),
        ]
        .into_iter()
        .filter_map(|(key, flag, address)| Some((key, (flag, address?.to_string().into()))))
        .collect()
    }
}

pub(super) fn run(sources: &Sources) -> anyhow::Result<ExitCode> {
    let loaded = sources.above(Config::default()).load()?;
    logging::init(&loaded.config.log)?;
    runtime()?.block_on(async {
        // Before anything is bound, so that whoever sees it bound can end it well.
        let ended = signals::ended();
        let gateway = Gateway::bind(loaded)?;
        let reload = gateway.reload();
        let reloading = signals::at_hangup(move || reload.ask());
        tracing::info!(
            clients = %gateway.client_address()?,
            admin = %gateway.admin_address()?,
            grpc = %gateway.grpc_address()?,
            "bound"
        );
        tokio::select! {
            served = gateway.run(ended) => anyhow::Ok(served?),
            never = reloading => match never {},
        }
    })?;
    Ok(ExitCode::SUCCESS)
}
