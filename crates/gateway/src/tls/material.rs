//! Files that make TLS: certificates, keys and authorities, read whole and then judged together.

use super::certificates::Certificates;
use super::suites;
use crate::config::{Demand, Tls, TlsVersion};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::version::{TLS12, TLS13};
use std::sync::Arc;
use transport::{AUTHORITIES, File, TlsError, certified, roots};

/// What files make.
pub(super) struct Judgement {
    pub(super) config: ServerConfig,
    /// When the first certificate expires, in Unix seconds.
    pub(super) expiry: u64,
    /// What clients' certificates are judged by, where they are asked for.
    pub(super) verifier: Option<Arc<dyn ClientCertVerifier>>,
}

/// All files that the settings name, as they were at one time.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Material {
    /// Certificates and their keys.
    pairs: Vec<(File, File)>,
    authorities: Option<File>,
}

impl Material {
    /// # Errors
    /// A file can't be read.
    pub(super) fn read(settings: &Tls) -> Result<Self, TlsError> {
        let pairs =
            settings.pairs().map(|(certificate, key)| Ok((File::read(certificate)?, File::read(key)?)));
        let authorities = settings.client_ca_file.as_deref().map(File::read).transpose()?;
        Ok(Self { pairs: pairs.collect::<Result<_, _>>()?, authorities })
    }

    /// What is served with these files to whoever speaks this protocol.
    ///
    /// # Errors
    /// What is wrong with a file, or that they don't go together.
    pub(super) fn judge(
        &self,
        settings: &Tls,
        protocol: &str,
        tickets: &Arc<dyn ProducesTickets>,
    ) -> Result<Judgement, TlsError> {
        let provider = Arc::new(CryptoProvider {
            cipher_suites: suites::of_names(&settings.cipher_suites),
            ..aws_lc_rs::default_provider()
        });
        let certificates =
            self.pairs.iter().map(|(chain, key)| Ok(Arc::new(certified(chain, key, &provider)?)));
        let certificates = Certificates(certificates.collect::<Result<_, TlsError>>()?);
        let expiry = certificates.expiry();
        let versions: &[_] = match settings.min_version {
            TlsVersion::V1_2 => &[&TLS13, &TLS12],
            TlsVersion::V1_3 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions)
            .map_err(|error| TlsError::Settings(format!("tls.cipher_suites: {error}")))?;
        let verifier = match &self.authorities {
            Some(file) if settings.client_certificates != Demand::Off => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(file)?), provider);
                let verifier = if settings.client_certificates == Demand::Optional {
                    verifier.allow_unauthenticated()
                } else {
                    verifier
                };
                Some(verifier.build().map_err(|error| file.wrong(error, AUTHORITIES))?)
            }
            _ => None,
        };
        let builder = match verifier.clone() {
            Some(verifier) => builder.with_client_cert_verifier(verifier),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if settings.client_certificates == Demand::Off {
            // A client keeps what it needs to come back cheaply; the gateway keeps nothing for it.
            config.ticketer = Arc::clone(tickets);
            config.send_tls13_tickets = 1;
        } else {
            // A ticket would let a client in whose certificate has expired since, or whose authority was taken out.
            config.send_tls13_tickets = 0;
        }
        Ok(Judgement { config, expiry, verifier })
    }
}
