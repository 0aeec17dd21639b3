//! `mcpw dev`: a gateway, a tools backend and the context service in one process, joined by real gRPC on loopback,
//! with a signing key that is made now and forgotten at the end.

use super::dev_file::DevFile;
use super::gateway::Sources;
use super::{runtime, signals};
use crate::config::Config;
use crate::{Gateway, logging};
use anyhow::Context;
use auth::{Algorithm, Claims, KeySettings, Signer};
use backend::Serve;
use context::{Database, Service};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long the printed token is valid.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3_600);

/// Arguments of `mcpw dev`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    sources: Sources,
    /// The folder that the fs tools may read.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// The folder where contexts are kept. Without it they are in a temporary one, and forgotten at the end.
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The command line of a server of Model Context Protocol whose tools are offered too, such as 'npx -y PACKAGE'; may be
    /// given several times.
    #[arg(long, value_name = "COMMAND")]
    mcp: Vec<String>,
    /// Print one JSON line {"url","admin","grpc","token"} once everything is ready, and nothing else.
    #[arg(long)]
    json: bool,
}

/// Where the parts can be reached.
#[derive(serde::Serialize)]
struct Ready {
    url: String,
    admin: String,
    grpc: String,
    token: String,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { sources, root, data, mcp, json } = arguments;
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no randomness for a key: {error}"))?;
    let secret: String = secret.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });

    let mut base = Config::default();
    base.websocket.listen.set_ip([127, 0, 0, 1].into());
    base.admin.listen.set_ip([127, 0, 0, 1].into());
    base.registry.listen.set_ip([127, 0, 0, 1].into());
    base.drain.delay_ms = 0;
    base.log.level = "warn".to_owned();
    // Removed at the end.
    let temporary = tempfile::TempDir::with_prefix("mcpw-").context("no folder for the contexts")?;
    base.context.database = file(temporary.path());
    let mut config = sources.above(base).load()?.config;
    anyhow::ensure!(
        !config.registry.asks_for_proof() && !config.registry.tls.is_on(),
        "the backends of `mcpw dev` register on loopback, in the clear and without a proof: leave registry.tls, \
         registry.proof and registry.backends out, or run `mcpw gateway` and its backends"
    );
    if let Some(folder) = data {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        config.context.database = file(&folder);
    }
    config.auth.keys.push(KeySettings {
        id: Some("dev".to_owned()),
        algorithm: Algorithm::HS256,
        secret: Some(secret.clone()),
        ..KeySettings::default()
    });
    let token = Signer::hs256(secret.as_bytes(), Some("dev"))?.mint(&Claims {
        scopes: vec!["*".to_owned()],
        issuer: config.auth.issuer.clone(),
        audience: config.auth.audience.clone(),
        ttl: TOKEN_LIFE,
        ..Claims::new("dev", "dev-agent")
    })?;
    logging::init(&config.log)?;

    let mut servers = config.bridge.clone();
    for line in &mcp {
        servers.add(bridge::Server::of_command(line));
        // Their tools stand beside those of this program, which may have the same names.
        servers.prefix = bridge::Prefix::Always;
    }
    servers
        .check()
        .map_err(|(key, value, right)| anyhow::anyhow!("bridge.{key} = {value}: {right} is needed"))?;
    let supervisor = super::bridge::supervisor()?;
    let path = config.websocket.path.clone();
    let scheme = if config.tls.is_on() { "wss" } else { "ws" };
    let mut contexts = config.context.clone();
    let gateway = Gateway::bind(config)?;
    let ready = Ready {
        url: format!("{scheme}://{}{path}", gateway.client_address()?),
        admin: format!("http://{}", gateway.admin_address()?),
        grpc: format!("http://{}", gateway.grpc_address()?),
        token,
    };
    let root = root.map_or_else(std::env::current_dir, Ok).context("no folder for the fs tools")?;
    let tools =
        tools::backend(&root).with_context(|| format!("the tools cannot work in {}", root.display()))?;

    let (registered, registration) = oneshot::channel();
    let (stop, mut stopped) = oneshot::channel::<()>();
    let grpc = vec![ready.grpc.clone()];
    contexts.registry.clone_from(&grpc);
    servers.registry.clone_from(&grpc);
    let thread = std::thread::Builder::new().name("backends".to_owned()).spawn(move || {
        runtime()?.block_on(async {
            let contexts = Service::start(contexts).await?;
            let tools = tools.serve(Serve { register_at: grpc, ..Serve::default() }).await?;
            let bridge = match servers.servers.is_empty() {
                true => None,
                false => Some(bridge::Service::start(servers, supervisor).await?),
            };
            let all = async {
                tokio::join!(contexts.registered(), tools.registered());
                if let Some(bridge) = &bridge {
                    bridge.registered().await;
                }
            };
            // Stopped also when the other side is gone.
            tokio::select! {
                () = all => {
                    let _ = registered.send(());
                    let _ = stopped.await;
                }
                _ = &mut stopped => {}
            }
            let bridged = async {
                if let Some(bridge) = bridge {
                    bridge.shutdown().await;
                }
            };
            tokio::join!(contexts.shutdown(), tools.shutdown(), bridged);
            anyhow::Ok(())
        })
    })?;

    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let announce = async {
            if registration.await.is_ok() {
                let file = (!json).then(|| DevFile::write(&ready.url, &ready.token));
                announce(&ready, json)?;
                // Kept until the end, then removed.
                std::future::pending::<()>().await;
                drop(file);
            }
            // A backend could not be started, and says why below.
            anyhow::Ok(())
        };
        tokio::select! {
            served = gateway.run(signals::ended()) => served.map_err(anyhow::Error::from),
            failed = announce => failed,
        }
    });
    // The gateway's connections to the backends end with it, so that they do not wait for them.
    drop(runtime);
    let _ = stop.send(());
    match thread.join() {
        Ok(ended) => ended?,
        Err(_) => anyhow::bail!("a backend panicked"),
    }
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// Where contexts are kept below a folder.
fn file(folder: &Path) -> Database {
    Database::Sqlite(folder.join("contexts.db"))
}

fn announce(ready: &Ready, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(ready)?)?;
    } else {
        let program = program();
        writeln!(
            out,
            "mcpw is ready.\n\n  clients  {}\n  admin    {}\n  gRPC     {}\n  token    {}\n\n\
             List the tools, from another terminal:\n\n  {program} call tool.list\n\n\
             Call one:\n\n  {program} call tool.execute '{{\"tool\":\"fs.list\",\"args\":{{}}}}'\n\n\
             From another user or machine, set MCPW_URL and MCPW_TOKEN first. Ctrl-C ends it.",
            ready.url, ready.admin, ready.grpc, ready.token
        )?;
    }
    out.flush()?;
    Ok(())
}

/// This program as one would type it here.
fn program() -> String {
    let path = std::env::current_exe().unwrap_or_else(|_| "mcpw".into());
    let here = std::env::current_dir().unwrap_or_default();
    match path.strip_prefix(&here) {
        Ok(relative) => format!("./{}", relative.display()),
        Err(_) => path.display().to_string(),
    }
}
