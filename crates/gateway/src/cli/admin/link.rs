//! The way to an operators' port: a connection for each request, with what the operator proves themselves by.

use super::{Target, print};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use transport::{ClientFiles, ClientTls};

/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most that is read of an answer.
const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
const TOKEN_VARIABLE: &str = "MCPW_ADMIN_TOKEN";

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("{0}")]
    Usage(String),
    /// It is answered with this status.
    #[error("{reason}")]
    Refused { status: StatusCode, reason: String },
    #[error("{url}: {reason}")]
    Unreachable { url: String, reason: String },
    #[error("{0}")]
    Output(#[from] std::io::Error),
}

impl Failure {
    pub(super) const fn code(&self) -> u8 {
        match self {
            Self::Refused { .. } | Self::Output(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable { .. } => 3,
        }
    }
}

/// A gateway that can be asked.
pub(super) struct Link {
    uri: Uri,
    /// None where the port is asked by http.
    tls: Option<Arc<ClientTls>>,
    token: Option<HeaderValue>,
    pub(super) json: bool,
}

impl Link {
    /// # Errors
    /// An argument or a file that is wrong.
    pub(super) fn new(target: &Target) -> Result<Self, Failure> {
        let wrong = || {
            Failure::Usage(format!("--url {}: something like http://127.0.0.1:9090 is needed", target.url))
        };
        let uri: Uri = target.url.trim_end_matches('/').parse().map_err(|_| wrong())?;
        let tls = match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(_)) => None,
            (Some("https"), Some(_)) => {
                let files = ClientFiles {
                    ca_file: target.ca_file.clone(),
                    cert_file: target.cert_file.clone(),
                    key_file: target.key_file.clone(),
                    server_name: None,
                };
                let tls = ClientTls::new(files).map_err(|error| Failure::Usage(error.to_string()))?;
                Some(Arc::new(tls))
            }
            _ => return Err(wrong()),
        };
        Ok(Self { uri, tls, token: token(target)?, json: target.json })
    }

    /// Asks, and prints the answer: for people as lines of its members.
    pub(super) async fn show(&self, method: &str, path: &str) -> Result<(), Failure> {
        let answer = self.ask(method, path, None).await?;
        print::answer(&answer, self.json)?;
        Ok(())
    }

    /// Asks, and reads the answer.
    pub(super) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let asked = async {
            let response = self.open(method, path, body).await?;
            let status = response.status();
            let whole = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
            let whole = whole.map_err(|error| self.broken(error.to_string()))?.to_bytes();
            read(status, &whole)
        };
        timeout(PATIENCE, asked).await.map_err(|_| self.broken("no answer within 30 s"))?
    }

    /// Asks for an answer that comes bit by bit.
    pub(super) async fn stream(&self, path: &str) -> Result<Incoming, Failure> {
        let opened = timeout(PATIENCE, self.open("GET", path, None)).await;
        let response = opened.map_err(|_| self.broken("no answer within 30 s"))??;
        let status = response.status();
        if status == StatusCode::OK {
            return Ok(response.into_body());
        }
        let whole = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
        let whole = whole.map_err(|error| self.broken(error.to_string()))?.to_bytes();
        Err(read(status, &whole).err().unwrap_or_else(|| self.broken(format!("it answers {status}"))))
    }

    async fn open(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Failure> {
        let host = self.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        match &self.tls {
            None => {
                let socket = TcpStream::connect((host, self.uri.port_u16().unwrap_or(80))).await;
                self.send(socket.map_err(|error| self.broken(error.to_string()))?, method, path, body).await
            }
            Some(tls) => {
                let socket = Arc::clone(tls).connect_http1(self.uri.clone()).await;
                self.send(socket.map_err(|error| self.broken(error.to_string()))?, method, path, body).await
            }
        }
    }

    async fn send(
        &self,
        socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Failure> {
        let broken = |error: hyper::Error| self.broken(error.to_string());
        let (mut requests, connection) = http1::handshake(TokioIo::new(socket)).await.map_err(broken)?;
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.uri.authority().map_or("", |authority| authority.as_str()));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = request.body(Full::new(Bytes::from(body)));
        let request = request.map_err(|error| Failure::Usage(error.to_string()))?;
        // It ends with the process, as all that the command does.
        link_task(connection);
        requests.send_request(request).await.map_err(broken)
    }

    fn broken(&self, reason: impl Into<String>) -> Failure {
        Failure::Unreachable { url: self.uri.to_string(), reason: reason.into() }
    }
}

/// Keeps a connection going.
#[allow(clippy::disallowed_methods, reason = "the task ends with the command's runtime")]
fn link_task(connection: impl Future<Output = Result<(), hyper::Error>> + Send + 'static) {
    tokio::spawn(async move {
        // What broke is told by the request.
        let _ = connection.await;
    });
}

fn read(status: StatusCode, whole: &[u8]) -> Result<Value, Failure> {
    let text = String::from_utf8_lossy(whole);
    let value = serde_json::from_slice::<Value>(whole).ok();
    if status.is_success() {
        return Ok(value.unwrap_or_else(|| Value::String(text.trim_end().to_owned())));
    }
    let told = value.as_ref().and_then(|value| value["error"].as_str());
    let reason = format!("{} {}", status.as_u16(), told.unwrap_or_else(|| text.trim_end()));
    Err(Failure::Refused { status, reason })
}

fn token(target: &Target) -> Result<Option<HeaderValue>, Failure> {
    let text = match &target.token_file {
        Some(path) => {
            let told = |error| Failure::Usage(format!("--token-file {}: {error}", path.display()));
            std::fs::read_to_string(path).map_err(told)?
        }
        None => std::env::var(TOKEN_VARIABLE).unwrap_or_default(),
    };
    let token = text.trim();
    if token.is_empty() {
        return match &target.token_file {
            Some(path) => {
                Err(Failure::Usage(format!("--token-file {}: there is no token in it", path.display())))
            }
            None => Ok(None),
        };
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Failure::Usage("the token has characters that no token has".to_owned()))?;
    header.set_sensitive(true);
    Ok(Some(header))
}
