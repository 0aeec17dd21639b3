//! One GET of a small document, by https, or by http on loopback. Bounded in time and size; no redirect is followed,
//! and no proxy is asked.

use super::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AGE, CACHE_CONTROL, CONNECTION, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

const BODY_LIMIT: usize = 256 * 1024;

/// Whom to believe, and for how long to wait.
pub(super) struct Client {
    tls: TlsConnector,
    limit: Duration,
}

/// A document, and for how long its server says that it may be used.
pub(super) struct Fetched {
    pub(super) body: Bytes,
    pub(super) fresh: Option<Duration>,
}

impl Client {
    /// # Errors
    /// The file of authorities can't be used.
    pub(super) fn new(ca_file: Option<&Path>, limit: Duration) -> Result<Self, Failure> {
        let roots = match ca_file {
            Some(path) => from_file(path).map_err(|reason| Failure::Authorities {
                path: path.to_owned(),
                reason: reason.to_string(),
            })?,
            None => of_system(),
        };
        let provider = Arc::new(crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|reason| Failure::Fetch { address: "TLS".to_owned(), reason: reason.to_string() })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { tls: Arc::new(config).into(), limit })
    }

    /// What is at this address, which is known to be trustworthy.
    ///
    /// # Errors
    /// [`Failure::Fetch`].
    ///
    /// # Cancel safety
    /// The connection is closed.
    pub(super) async fn get(&self, address: &str) -> Result<Fetched, Failure> {
        let failed = |reason| Failure::Fetch { address: address.to_owned(), reason };
        match tokio::time::timeout(self.limit, self.attempt(address)).await {
            Ok(fetched) => fetched.map_err(|error| failed(chain(&*error))),
            Err(_) => Err(failed(format!("no answer within {:?}", self.limit))),
        }
    }

    async fn attempt(&self, address: &str) -> Result<Fetched, Box<dyn Error + Send + Sync>> {
        let uri: Uri = address.parse()?;
        let host = uri.host().ok_or("it names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let encrypted = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        if encrypted {
            let name = ServerName::try_from(host.to_owned())?;
            exchange(self.tls.connect(name, stream).await?, &uri).await
        } else {
            exchange(stream, &uri).await
        }
    }
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    uri: &Uri,
) -> Result<Fetched, Box<dyn Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, uri.authority().map_or("", |authority| authority.as_str()))
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, concat!("mcpw/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(format!("the answer is {}", response.status()).into());
        }
        let fresh = freshness(response.headers());
        let body = Limited::new(response.into_body(), BODY_LIMIT).collect().await?.to_bytes();
        Ok(Fetched { body, fresh })
    };
    tokio::pin!(answer);
    tokio::select! {
        answered = &mut answer => answered,
        // What has come before the end can still be read.
        _ = connection => answer.await,
    }
}

/// RFC 9111: `max-age` less the age that the answer has already; nothing where it must not be kept.
pub(super) fn freshness(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(|one| one.trim().to_ascii_lowercase());
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()?.trim().parse().ok()).unwrap_or(0);
    directives.find_map(|directive| match directive.as_str() {
        "no-store" | "no-cache" => Some(Duration::ZERO),
        other => {
            let seconds: u64 = other.strip_prefix("max-age=")?.trim_matches('"').parse().ok()?;
            Some(Duration::from_secs(seconds.saturating_sub(age)))
        }
    })
}

fn from_file(path: &Path) -> Result<RootCertStore, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&std::fs::read(path)?) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() { Err("it holds no certificate".into()) } else { Ok(roots) }
}

fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "some authorities of the system can't be used");
    }
    roots.add_parsable_certificates(found.certs);
    roots
}

/// An error and what is behind it, as libraries rarely say so in one text.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut error = error.source();
    while let Some(inner) = error {
        text += &format!(": {inner}");
        error = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn how_long_an_answer_is_fresh() {
        for (control, age, expected) in [
            (None, None, None),
            (Some("public"), None, None),
            (Some("public, max-age=600"), None, Some(600)),
            (Some("Max-Age=\"600\""), None, Some(600)),
            (Some("max-age=600"), Some("100"), Some(500)),
            (Some("max-age=600"), Some("700"), Some(0)),
            (Some("no-store"), None, Some(0)),
            (Some("no-cache, max-age=600"), None, Some(0)),
            (Some("max-age=-1"), None, None),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(CACHE_CONTROL, control), (AGE, age)] {
                value.map(|value| headers.insert(name, HeaderValue::from_static(value)));
            }
            assert_eq!(freshness(&headers), expected.map(Duration::from_secs), "{control:?} {age:?}");
        }
    }
}
