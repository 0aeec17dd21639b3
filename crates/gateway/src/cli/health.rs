//! `mcpw health`: asks a gateway on this machine whether it takes clients, for containers and scripts that have no curl.

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpStream;

/// The most that is read of an answer, which is one line.
const ANSWER_LIMIT: usize = 4 * 1024;

/// Ask a gateway whether it is ready, and tell its answer.
///
/// Exits with 0 if it is. Otherwise the reason is on stderr, and the exit code is 1.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What to ask, at the operators' port, by http.
    #[arg(long, default_value = "http://127.0.0.1:9090/health/ready")]
    url: Uri,
    /// How long to wait, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 2_000)]
    timeout_ms: u64,
}

/// # Errors
/// Nobody answers in time, or the answer is another one than 200.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let limit = Duration::from_millis(arguments.timeout_ms);
    let asked = tokio::time::timeout(limit, ask(&arguments.url)).await;
    let (status, text) = asked
        .with_context(|| format!("no answer from {} within {} ms", arguments.url, arguments.timeout_ms))?
        .with_context(|| format!("no answer from {}", arguments.url))?;
    if status != StatusCode::OK {
        bail!("{} answers {}: {}", arguments.url, status.as_u16(), text.trim_end());
    }
    write!(std::io::stdout(), "{text}")?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(url: &Uri) -> anyhow::Result<(StatusCode, String)> {
    let (Some("http"), Some(authority)) = (url.scheme_str(), url.authority()) else {
        bail!("a URL such as http://127.0.0.1:9090/health/ready is needed");
    };
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header(HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = requests.send_request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("the answer can't be read: {error}"))?;
        Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
    };
    tokio::pin!(connection);
    tokio::select! {
        biased;
        answer = answer => answer,
        ended = &mut connection => {
            ended?;
            bail!("the connection ended without an answer")
        }
    }
}
