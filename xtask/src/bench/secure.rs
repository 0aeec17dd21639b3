//! TLS between the load and a gateway: a certificate of one run, and who believes it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::subject;

/// Settings of a gateway, as it takes them from its environment.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// Whom the load believes.
#[derive(Clone, Debug)]
pub(crate) struct Security {
    config: Arc<ClientConfig>,
    certificate: PathBuf,
}

impl Security {
    /// A certificate for this machine that nobody had before, and the settings of a gateway that shows it. If `signed`, it
    /// wants each message to be signed.
    pub(crate) fn fresh(signed: bool) -> Result<(Self, Settings)> {
        let pair = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
        let folder = subject::folder()?;
        let write = |name: &str, text: String| -> Result<String> {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))?;
            Ok(path.display().to_string())
        };
        let mut settings = vec![
            ("TLS_CERT_FILE", write("gateway.crt", pair.cert.pem())?),
            ("TLS_KEY_FILE", write("gateway.key", pair.signing_key.serialize_pem())?),
        ];
        if signed {
            settings.push(("SECURITY_HMAC_SIGNATURES", "required".to_owned()));
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(pair.cert.der().clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let certificate = folder.join("gateway.crt");
        Ok((Self { config: Arc::new(config), certificate }, settings))
    }

    /// The same where it is asked for, and otherwise nothing.
    pub(crate) fn fresh_if(wanted: bool, signed: bool) -> Result<(Option<Self>, Settings)> {
        if !wanted {
            return Ok((None, Vec::new()));
        }
        let (security, settings) = Self::fresh(signed)?;
        Ok((Some(security), settings))
    }

    /// The file with the certificate.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// A connection that has not begun its handshake.
    pub(crate) fn connection(&self, server: IpAddr) -> Result<ClientConnection> {
        Ok(ClientConnection::new(Arc::clone(&self.config), ServerName::from(server))?)
    }
}
