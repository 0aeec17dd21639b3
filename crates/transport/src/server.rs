//! TLS of whoever listens, in a process that has no other way to follow its files: they are read again for each
//! connection.

use crate::follow::Followed;
use crate::{AUTHORITIES, File, TlsError, certified, roots};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Files that TLS of a server is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFiles {
    /// The own certificate and behind it those of its issuers, PEM.
    pub cert_file: PathBuf,
    /// Its key, PEM.
    pub key_file: PathBuf,
    /// The authorities of clients' certificates, PEM. With them every client has to show one.
    pub client_ca_file: Option<PathBuf>,
}

/// What connections are accepted with.
pub struct ServerTls {
    files: ServerFiles,
    followed: Followed<Material, ServerConfig>,
}

/// All files, as they were at one time.
#[derive(PartialEq)]
struct Material {
    chain: File,
    key: File,
    authorities: Option<File>,
}

impl ServerTls {
    /// Reads the files once, so that what is wrong is told at once.
    ///
    /// # Errors
    /// What is wrong with a file, or that they don't go together.
    pub fn new(files: ServerFiles) -> Result<Self, TlsError> {
        let followed = Followed::new(Material::read(&files)?, Material::judge)?;
        Ok(Self { files, followed })
    }

    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.followed.look(Material::read(&self.files), Material::judge)
    }
}

impl Material {
    fn read(files: &ServerFiles) -> Result<Self, TlsError> {
        Ok(Self {
            chain: File::read(&files.cert_file)?,
            key: File::read(&files.key_file)?,
            authorities: files.client_ca_file.as_deref().map(File::read).transpose()?,
        })
    }

    fn judge(&self) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Settings(error.to_string()))?;
        let own = certified(&self.chain, &self.key, &provider)?;
        let builder = match &self.authorities {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(file)?), provider);
                let verifier = verifier.build().map_err(|error| file.wrong(error, AUTHORITIES))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(own)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        // Each connection has its own certificate judged.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("files", &self.files).finish_non_exhaustive()
    }
}
