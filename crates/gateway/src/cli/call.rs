//! `mcpw call`: one request to a gateway, its answer on stdout, all else on stderr, an exit code that says which.
//! It refuses to know what methods mean: whatever the gateway answers is printed.

pub(super) mod input;
mod report;

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use client::{Call, Client, Error, Format, Notifications, Reconnect, Request, State, States, Update};
use serde_json::value::RawValue;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;

use super::dev_file;
use input::{Mistake, Target};
use report::Layout;

/// So long a connection that has done its work may take to close.
const CLOSE_WAIT: Duration = Duration::from_millis(500);
/// So long the gateway may take to say that a call is cancelled.
const CANCEL_WAIT: Duration = Duration::from_secs(2);

const EXAMPLES: &str = "\
Examples:
  mcpw call tool.list
  mcpw call tool.execute '{\"tool\":\"fs.search\",\"args\":{\"pattern\":\"fn main\"}}'
  mcpw call --timeout 5s tool.execute @call.json
  echo '[1,2,3]' | mcpw call --binary echo -

Exit codes:
  0    the result is on stdout
  1    the gateway answered with an error
  2    wrong usage: an argument, a file or PARAMS
  3    no connection, or the gateway refused it
  4    the connection ended, or the time was over, before an answer
  130  cancelled by ctrl-c";

/// Call a method of a gateway and print its result.
///
/// The result goes to stdout as JSON: indented on a terminal, otherwise on one line. Parts of a streamed result are
/// printed before it, one line each. Progress and errors go to stderr. Ctrl-c cancels the call.
#[derive(Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The method, for instance tool.list, tool.execute or echo.
    #[arg(value_parser = clap::builder::NonEmptyStringValueParser::new())]
    method: String,
    /// The params: JSON, @FILE to read them from a file, or - to read them from stdin.
    #[arg(allow_hyphen_values = true)]
    params: Option<String>,
    /// The gateway; HOST:PORT is enough: ws:// and /ws are added. By default your running `mcpw dev`, or else
    /// ws://127.0.0.1:8080/ws.
    #[arg(long, env = "MCPW_URL")]
    url: Option<String>,
    /// The token; by default that of MCPW_TOKEN, or of your running `mcpw dev` if it is the gateway that is called.
    /// Other users of the machine can see it here.
    #[arg(long, conflicts_with = "token_file")]
    token: Option<String>,
    /// A file with the token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The authorities, as PEM, by which a gateway at wss:// has to prove who it is; by default the system's.
    #[arg(long, env = "MCPW_CA_FILE", value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A certificate to show to the gateway, as PEM.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Its key, as PEM.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
    /// Speak mcp.v1.binary instead of JSON text.
    #[arg(long)]
    binary: bool,
    /// Stay connected after the answer and print notifications, one line of JSON each, until ctrl-c. A lost connection
    /// is made again, and each event is printed once.
    #[arg(long, short)]
    watch: bool,
    /// How long to wait for the answer: seconds, or like 500ms, 30s, 5m. The gateway is told as well.
    #[arg(long, value_parser = input::duration, value_name = "TIME")]
    timeout: Option<Duration>,
    /// Print the result on one line, on a terminal too.
    #[arg(long, visible_alias = "json", conflicts_with = "pretty")]
    compact: bool,
    /// Print the result indented, into a pipe or file too.
    #[arg(long)]
    pretty: bool,
    /// Print no progress.
    #[arg(long, short, conflicts_with = "verbose")]
    quiet: bool,
    /// Tell on stderr who answered, and how long it took.
    #[arg(long, short)]
    verbose: bool,
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // All but the token and the params, which may hold secrets too.
        f.debug_struct("Arguments")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// How a call ended other than with a result.
enum Failure {
    Connect(Error),
    Call(Error),
    Interrupted,
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Makes the call and tells how it ended; the exit codes are those of the help text.
///
/// # Errors
/// Only for what is no part of the call: no signal handler, stdout cannot be written.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Stdin is read before anybody listens for ctrl-c, so that there it still ends the process.
    let (request, target) = match prepare(&arguments) {
        Ok(prepared) => prepared,
        Err(Mistake(mistake)) => {
            report::line(&mistake);
            return Ok(ExitCode::from(2));
        }
    };
    let mut interrupt = signal(SignalKind::interrupt()).context("can't listen for ctrl-c")?;
    let code = match perform(&arguments, request, target, &mut interrupt).await {
        Ok(()) => 0,
        Err(Failure::Connect(error)) => {
            report::no_connection(&error);
            3
        }
        Err(Failure::Call(error)) => {
            report::failure(&error);
            match error {
                Error::Rpc { .. } => 1,
                Error::Unsendable(_) => 2,
                _ => 4,
            }
        }
        Err(Failure::Interrupted) => 130,
        // Whoever reads has seen enough, as `head` has.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(Failure::Output(error)) => return Err(error).context("can't write to stdout"),
    };
    Ok(ExitCode::from(code))
}

async fn perform(
    arguments: &Arguments,
    request: Request,
    target: Target,
    interrupt: &mut Signal,
) -> Result<(), Failure> {
    let client = tokio::select! {
        client = connect(arguments, target) => client.map_err(Failure::Connect)?,
        _ = interrupt.recv() => return Err(Failure::Interrupted),
    };
    if arguments.verbose {
        let session = client.session();
        let (name, version) = (&session.server.name, &session.server.version);
        report::line(&format!("connected to {name} {version}, session {}", session.session_id));
    }
    // Listening begins before the request, so that nothing that it sets off is missed.
    let notifications = arguments.watch.then(|| client.notifications());
    tokio::select! {
        done = converse(arguments, &client, request, notifications, interrupt) => done?,
        never = tell(client.states()) => match never {},
    }
    let _ = timeout(CLOSE_WAIT, client.close()).await;
    Ok(())
}

/// Gets the answer, and with --watch what comes after it.
async fn converse(
    arguments: &Arguments,
    client: &Client,
    request: Request,
    notifications: Option<Notifications>,
    interrupt: &mut Signal,
) -> Result<(), Failure> {
    let started = Instant::now();
    let result = answer(arguments, client, request, interrupt).await?;
    print(&arguments.layout().apply(result.get()))?;
    if arguments.verbose {
        report::line(&format!("answered after {:.1?}", started.elapsed()));
    }
    match notifications {
        Some(notifications) => watch(client, notifications, interrupt).await,
        None => Ok(()),
    }
}

/// Tells when the connection is lost and when there is one again.
async fn tell(mut states: States) -> Infallible {
    let mut lost = false;
    while let Some(state) = states.next().await {
        match state {
            State::Reconnecting { reason, .. } if !lost => {
                report::line(&format!("{reason}; connecting again"));
                lost = true;
            }
            State::Connected { away, resumed, connection: 2.., .. } => {
                let session = if resumed { "the session goes on" } else { "in a new session" };
                report::line(&format!("connected again after {away:.1?}, {session}"));
                lost = false;
            }
            _ => {}
        }
    }
    pending().await
}

fn prepare(arguments: &Arguments) -> Result<(Request, Target), Mistake> {
    let token = input::token(arguments.token.as_deref(), arguments.token_file.as_deref())?;
    let target = Target::choose(arguments.url.as_deref(), token, dev_file::read);
    let params = input::params(arguments.params.as_deref())?;
    let mut request = Request::new(&arguments.method, params).map_err(|error| Mistake(error.to_string()))?;
    if let Some(timeout) = arguments.timeout {
        request = request.timeout(timeout);
    }
    Ok((request, target))
}

async fn connect(arguments: &Arguments, target: Target) -> Result<Client, Error> {
    let format = if arguments.binary { Format::Binary } else { Format::Json };
    let mut builder =
        Client::builder(target.url).format(format).name("mcpw call").version(env!("CARGO_PKG_VERSION"));
    if let Some(token) = target.token {
        builder = builder.token(token);
    }
    if let Some(authorities) = &arguments.ca_file {
        builder = builder.ca_file(authorities);
    }
    if let Some((certificate, key)) = arguments.cert_file.as_ref().zip(arguments.key_file.as_ref()) {
        builder = builder.certificate(certificate, key);
    }
    if let Some(timeout) = arguments.timeout {
        builder = builder.connect_timeout(timeout);
    }
    if !arguments.watch {
        builder = builder.reconnect(Reconnect::never());
    }
    builder.connect().await
}

/// Sends the request, prints its updates, returns its result.
async fn answer(
    arguments: &Arguments,
    client: &Client,
    request: Request,
    interrupt: &mut Signal,
) -> Result<Box<RawValue>, Failure> {
    let mut call = client.start(request).await.map_err(Failure::Call)?;
    loop {
        tokio::select! {
            update = call.next() => match update {
                Some(Update::Partial(part)) => print(&Layout::Line.apply(part.get()))?,
                Some(Update::Progress(progress)) if !arguments.quiet => report::progress(&progress),
                Some(Update::Progress(_)) => {}
                None => return call.result().await.map_err(Failure::Call),
            },
            _ = interrupt.recv() => {
                cancel(&call, interrupt).await;
                let _ = timeout(CLOSE_WAIT, client.close()).await;
                return Err(Failure::Interrupted);
            }
        }
    }
}

/// Cancels the call; a second ctrl-c does not wait for the answer to that.
async fn cancel(call: &Call, interrupt: &mut Signal) {
    report::line("cancelling");
    tokio::select! {
        answer = timeout(CANCEL_WAIT, call.cancel()) => report::line(match answer {
            Ok(Ok(true)) => "cancelled",
            Ok(Ok(false)) => "it had ended already",
            Ok(Err(_)) | Err(_) => "the gateway did not confirm the cancel",
        }),
        _ = interrupt.recv() => {}
    }
}

/// Prints notifications until ctrl-c or the end of the client.
async fn watch(
    client: &Client,
    mut notifications: Notifications,
    interrupt: &mut Signal,
) -> Result<(), Failure> {
    loop {
        let item = tokio::select! {
            item = notifications.next() => item,
            _ = interrupt.recv() => return Ok(()),
        };
        match item {
            Some(Ok(notification)) => print(&report::notification(&notification))?,
            Some(Err(error)) => report::failure(&error),
            None => {
                return match client.closed().await {
                    Error::Closed { code: 1000, .. } => Ok(()),
                    error => Err(Failure::Call(error)),
                };
            }
        }
    }
}

impl Arguments {
    fn layout(&self) -> Layout {
        if self.pretty || (!self.compact && io::stdout().is_terminal()) {
            Layout::Indented
        } else {
            Layout::Line
        }
    }
}

fn print(line: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.write_all(b"\n")?;
    stdout.flush()
}
