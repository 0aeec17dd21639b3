//! Which of the certificates a client is shown: the first whose names have the one that it asked for, or else the first.

use rustls::pki_types::{DnsName, ServerName};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// At least one.
#[derive(Debug)]
pub(super) struct Certificates(pub(super) Vec<Arc<CertifiedKey>>);

impl Certificates {
    /// When the first of them expires, in Unix seconds.
    pub(super) fn expiry(&self) -> u64 {
        let own = self.0.iter().filter_map(|certificate| certificate.end_entity_cert().ok());
        own.filter_map(|certificate| auth::certificate_expiry(certificate)).min().unwrap_or(0)
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = || {
            let name = ServerName::DnsName(DnsName::try_from(hello.server_name()?).ok()?);
            self.0.iter().find(|certificate| has_name(certificate, &name))
        };
        let chosen = if self.0.len() > 1 { named() } else { None };
        chosen.or(self.0.first()).cloned()
    }
}

/// Whether a client that asked for this name would accept the certificate's.
fn has_name(certificate: &CertifiedKey, name: &ServerName<'_>) -> bool {
    let parsed = certificate.end_entity_cert().and_then(ParsedCertificate::try_from);
    parsed.is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, name).is_ok())
}
