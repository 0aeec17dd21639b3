//! `mcpw-tools`: the tools as a process of its own.
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use backend::{Serve, Tls};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Serves tools over the files below one folder, and registers them at gateways.
#[derive(Debug, Parser)]
#[command(name = "mcpw-tools", version)]
struct Options {
    /// The folder below which files can be read.
    #[arg(long, value_name = "DIR")]
    root: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
    /// A gateway's gRPC address, as http://host:port or https://host:port; may be given several times.
    #[arg(long, value_name = "URL")]
    register: Vec<String>,
    /// The address that gateways shall dial, if it is not the one listened on.
    #[arg(long, value_name = "ADDRESS")]
    advertise: Option<String>,
    /// A file with the token by which the gateways know the backend.
    #[arg(long, value_name = "FILE")]
    registry_token_file: Option<PathBuf>,
    /// The authorities of gateways that are registered at by https, PEM, instead of the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The backend's certificate, PEM, shown to gateways; with it the backend's own port speaks TLS.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// The key of that certificate, PEM.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// The authorities of the certificates that gateways have to show at the backend's own port, PEM.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    client_ca_file: Option<PathBuf>,
    /// The backend's name; replicas share it.
    #[arg(long, default_value = "tools")]
    name: String,
    /// Bytes that one fs.read may return.
    #[arg(long, value_name = "BYTES", default_value_t = tools::Limits::default().max_read)]
    max_read: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let options = Options::parse();
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;

    let limits = tools::Limits { max_read: options.max_read, ..tools::Limits::default() };
    let backend = tools::backend_with(&options.root, limits)?.renamed(options.name);
    let serve = Serve {
        listen: options.listen,
        register_at: options.register,
        advertise: options.advertise,
        registry_token_file: options.registry_token_file,
        tls: Tls {
            ca_file: options.ca_file,
            cert_file: options.cert_file,
            key_file: options.key_file,
            client_ca_file: options.client_ca_file,
        },
        ..Serve::default()
    };
    let mut running = backend.serve(serve).await?;
    let listening = serde_json::json!({ "listening": running.local_addr() });
    writeln!(std::io::stdout(), "{listening}").context("cannot write to stdout")?;

    tokio::select! {
        ended = running.wait() => ended?,
        _ = terminate.recv() => running.shutdown().await,
        _ = interrupt.recv() => running.shutdown().await,
    }
    Ok(())
}
