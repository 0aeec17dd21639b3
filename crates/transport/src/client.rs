//! TLS of whoever connects: whom it believes, and what it shows of itself. Files are read again for each connection.

use crate::follow::Followed;
use crate::{File, TlsError, certified, roots};
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

/// Files that TLS towards a server is made with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientFiles {
    /// The authorities that are believed, PEM. Default: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The own certificate and behind it those of its issuers, PEM; shown where it is asked for. Default none.
    pub cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub key_file: Option<PathBuf>,
    /// The name that each server's certificate must have. Default: the host of its address.
    pub server_name: Option<String>,
}

/// What connections are made with.
pub struct ClientTls {
    files: ClientFiles,
    name: Option<ServerName<'static>>,
    /// Made with the first connection, where the system's authorities are all that there is to read.
    followed: OnceLock<Followed<Material, ClientConfig>>,
}

/// All files, as they were at one time.
#[derive(PartialEq)]
struct Material {
    authorities: Option<File>,
    own: Option<(File, File)>,
}

impl ClientTls {
    /// Reads the files once, so that what is wrong is told at once.
    ///
    /// # Errors
    /// What is wrong with a file, that they don't go together, or that the name can be no server's.
    pub fn new(files: ClientFiles) -> Result<Self, TlsError> {
        let name = files.server_name.clone().map(|name| {
            ServerName::try_from(name.clone()).map_err(|_| {
                TlsError::Settings(format!("server_name: {name:?} is neither a DNS name nor an IP address"))
            })
        });
        match (&files.cert_file, &files.key_file) {
            (Some(_), None) => {
                return Err(TlsError::Settings("key_file: the key of cert_file is needed".into()));
            }
            (None, Some(_)) => {
                return Err(TlsError::Settings("cert_file: the certificate of key_file is needed".into()));
            }
            _ => {}
        }
        let tls = Self { name: name.transpose()?, files, followed: OnceLock::new() };
        if tls.files.ca_file.is_some() || tls.files.cert_file.is_some() {
            // Nobody else has it yet.
            let _ = tls.followed.set(Followed::new(Material::read(&tls.files)?, Material::judge)?);
        }
        Ok(tls)
    }

    fn current(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let read = Material::read(&self.files);
        if let Some(followed) = self.followed.get() {
            return Ok(followed.look(read, Material::judge));
        }
        let first = Followed::new(read?, Material::judge)?;
        Ok(self.followed.get_or_init(|| first).look(Material::read(&self.files), Material::judge))
    }

    /// Connects for HTTP/1.1, and makes the handshake.
    ///
    /// # Errors
    /// The system's, or why the server is not believed.
    ///
    /// # Cancel safety
    /// The socket is closed with the future.
    pub async fn connect_http1(self: Arc<Self>, uri: Uri) -> io::Result<TlsStream<TcpStream>> {
        self.connect(uri, b"http/1.1").await
    }

    async fn connect(self: Arc<Self>, uri: Uri, protocol: &[u8]) -> io::Result<TlsStream<TcpStream>> {
        let wrong = |reason: &str| io::Error::new(io::ErrorKind::InvalidInput, reason.to_owned());
        let host = uri.host().ok_or_else(|| wrong("the address has no host"))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(443);
        let name = match &self.name {
            Some(name) => name.clone(),
            None => ServerName::try_from(host.clone())
                .map_err(|_| wrong("no certificate can be for such a host"))?,
        };
        // A file system may take its time, and nothing else here may wait for it.
        let config = tokio::task::spawn_blocking(move || self.current());
        let config = config.await.map_err(io::Error::other)?.map_err(io::Error::other)?;
        let mut config = Arc::unwrap_or_clone(config);
        config.alpn_protocols = vec![protocol.to_vec()];
        let socket = TcpStream::connect((host, port)).await?;
        socket.set_nodelay(true)?;
        TlsConnector::from(Arc::new(config)).connect(name, socket).await
    }
}

impl Material {
    fn read(files: &ClientFiles) -> Result<Self, TlsError> {
        let read = |path: &Option<PathBuf>| path.as_deref().map(File::read).transpose();
        let own = read(&files.cert_file)?.zip(read(&files.key_file)?);
        Ok(Self { authorities: read(&files.ca_file)?, own })
    }

    fn judge(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let roots = match &self.authorities {
            Some(file) => roots(file)?,
            None => of_system(),
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Settings(error.to_string()))?
            .with_root_certificates(roots);
        let mut config = match &self.own {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let own = certified(chain, key, &provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(own)))
            }
        };
        // A resumed session would not look at the server's certificate again.
        config.resumption = Resumption::disabled();
        Ok(config)
    }
}

fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

impl Default for ClientTls {
    fn default() -> Self {
        Self { files: ClientFiles::default(), name: None, followed: OnceLock::new() }
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Connects to `https` addresses, for an endpoint of tonic's.
#[derive(Clone, Debug)]
pub struct Connector(Arc<ClientTls>);

impl Connector {
    /// One that connects with this.
    pub const fn new(tls: Arc<ClientTls>) -> Self {
        Self(tls)
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connected = Arc::clone(&self.0).connect(uri, b"h2");
        Box::pin(async move { connected.await.map(TokioIo::new) })
    }
}
