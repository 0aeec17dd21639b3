//! TLS to a gateway: whom the client believes, and what it shows of itself. Files are read once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::Error;
use crate::endpoint::Endpoint;
use crate::stream::Stream;

/// Files that TLS is made with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Files {
    /// The authorities that are believed; without one, those of the system.
    pub(crate) authorities: Option<PathBuf>,
    /// The client's own certificate, and its key.
    pub(crate) certificate: Option<(PathBuf, PathBuf)>,
}

/// What handshakes are made with.
pub(crate) struct Tls(TlsConnector);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::Connect`] with the file and what is wrong with it.
    pub(crate) fn new(files: &Files, endpoint: &Endpoint) -> Result<Self, Error> {
        config(files)
            .map(|config| Self(Arc::new(config).into()))
            .map_err(|reason| endpoint.unreachable(reason))
    }

    /// Makes the handshake. Cancel safe only in that the socket is dropped.
    pub(crate) async fn connect(&self, socket: TcpStream, endpoint: &Endpoint) -> Result<Stream, Error> {
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|_| endpoint.unreachable("no certificate can be for such a host"))?;
        match self.0.connect(name, socket).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(error) => Err(endpoint.unreachable(format!("TLS: {error}"))),
        }
    }
}

fn config(files: &Files) -> Result<ClientConfig, String> {
    let roots = match &files.authorities {
        Some(path) => of_file(path)?,
        None => of_system(),
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let mut config = match &files.certificate {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let told = |error| format!("{}: {error}", key.display());
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| told(error.to_string()))?;
            builder
                .with_client_auth_cert(certificates(certificate)?, key)
                .map_err(|error| told(error.to_string()))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn of_system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn of_file(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(roots)
}

/// The certificates of a PEM file, of which there is one at least.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |error| format!("{}: {error}", path.display());
    let all = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let all = all.map_err(|error| told(error.to_string()))?;
    if all.is_empty() { Err(told("there is no certificate in it".to_owned())) } else { Ok(all) }
}
