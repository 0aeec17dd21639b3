//! `mcpw admin`: what operators ask of a running gateway and have it do, at its operators' port. What it prints for people
//! may change; `--json` is what the port answers.

mod link;
mod lists;
mod print;
mod steps;

use clap::Subcommand;
use link::{Failure, Link};
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

const AFTER: &str = "\
Exit codes:
  0  it was done
  1  the gateway refused it; what would be right is on stderr
  2  wrong usage: an argument or a file
  3  no connection, or it broke";

/// Look at a running gateway and change something of it.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    command: Command,
}

/// Which gateway, and who asks.
#[derive(clap::Args)]
struct Target {
    /// The operators' port, by http or https.
    #[arg(long, global = true, env = "MCPW_ADMIN_URL", default_value = "http://127.0.0.1:9090")]
    url: String,
    /// A file with the operator's token; otherwise MCPW_ADMIN_TOKEN has it. A gateway that lists no operators asks for none.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authorities, as PEM, by which a gateway at https:// has to prove who it is; by default the system's.
    #[arg(long, global = true, env = "MCPW_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A certificate to show, as PEM.
    #[arg(long, global = true, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Its key, as PEM.
    #[arg(long, global = true, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Print what the gateway answers, as JSON.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the WebSockets of the pod.
    Connections(lists::Connections),
    /// One WebSocket.
    #[command(subcommand)]
    Connection(Connection),
    /// List the sessions that are open at the pod.
    Sessions(lists::Sessions),
    /// One session, wherever it is.
    #[command(subcommand)]
    Session(Session),
    /// List the replicas of backends.
    Backends(lists::Backends),
    /// Have the pod drain, and end.
    Drain(steps::Drain),
    /// Revoke a token, an agent or a tenant, at all pods.
    Revoke(steps::Revoke),
    /// Show the pod.
    Pod,
    /// Print each message of a session as it comes: what it is, never what is in it. Ctrl-c ends it.
    Tail(steps::Tail),
    /// Show the settings in force, and where each comes from.
    Config,
    /// Have the settings read again.
    Reload,
    /// Show from which level on lines are logged, or set it.
    LogLevel(steps::LogLevel),
}

#[derive(Debug, Subcommand)]
enum Connection {
    /// Close it. Its session can be resumed.
    Close {
        /// Its number, as `connections` lists it.
        id: u64,
    },
}

#[derive(Debug, Subcommand)]
enum Session {
    /// Show it: where it is, what its journal has, and when it is forgotten.
    Show {
        /// Its id.
        id: uuid::Uuid,
    },
    /// End it for good: its connection closes, and nobody resumes it.
    End {
        /// Its id.
        id: uuid::Uuid,
    },
}

/// # Errors
/// Stdout is closed.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let done = match Link::new(&arguments.target) {
        Ok(link) => perform(&link, arguments.command).await,
        Err(failure) => Err(failure),
    };
    Ok(match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let code = failure.code();
            print::problem(&failure);
            ExitCode::from(code)
        }
    })
}

async fn perform(link: &Link, command: Command) -> Result<(), Failure> {
    match command {
        Command::Connections(asked) => asked.run(link).await,
        Command::Sessions(asked) => asked.run(link).await,
        Command::Backends(asked) => asked.run(link).await,
        Command::Drain(asked) => asked.run(link).await,
        Command::Revoke(asked) => asked.run(link).await,
        Command::Tail(asked) => asked.run(link).await,
        Command::LogLevel(asked) => asked.run(link).await,
        Command::Pod => link.show("GET", "/admin/v1/pod").await,
        Command::Config => link.show("GET", "/admin/v1/config").await,
        Command::Reload => link.show("POST", "/admin/v1/reload").await,
        Command::Connection(Connection::Close { id }) => {
            link.show("DELETE", &format!("/admin/v1/connections/{id}")).await
        }
        Command::Session(Session::Show { id }) => link.show("GET", &format!("/admin/v1/sessions/{id}")).await,
        Command::Session(Session::End { id }) => {
            link.show("DELETE", &format!("/admin/v1/sessions/{id}")).await
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("url", &self.url).finish_non_exhaustive()
    }
}
