//! Files that make TLS: certificates, keys and authorities, read whole and then judged together.

use super::certificates::Certificates;
use super::error::TlsError;
use super::suites;
use crate::config::{Demand, Tls, TlsVersion};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ParsedCertificate, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CHAIN: &str = "a chain in PEM is needed: the server's certificate, and behind it those of its issuers";
const KEY: &str = "a private key in PEM is needed: PKCS#8, PKCS#1 or SEC1, without a passphrase";
const AUTHORITIES: &str = "the certificates of authorities are needed, in PEM";

/// A file and what is in it.
#[derive(Clone, PartialEq, Eq)]
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    fn read(path: &Path) -> Result<Self, TlsError> {
        let bytes =
            std::fs::read(path).map_err(|reason| TlsError::Unreadable { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    fn wrong(&self, found: impl ToString, right: &'static str) -> TlsError {
        TlsError::content(&self.path, found, right)
    }

    fn certificates(&self, right: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let certificates = CertificateDer::pem_slice_iter(&self.bytes).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| self.wrong(error, right))?;
        if certificates.is_empty() {
            return Err(self.wrong("there is no certificate in it", right));
        }
        Ok(certificates)
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.bytes).map_err(|error| match error {
            PemError::NoItemsFound => self.wrong("there is no private key in it", KEY),
            error => self.wrong(error, KEY),
        })
    }
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

    /// What is served with these files, and until when: the first certificate's end in Unix seconds.
    ///
    /// # Errors
    /// What is wrong with a file, or that they don't go together.
    pub(super) fn judge(
        &self,
        settings: &Tls,
        tickets: &Arc<dyn ProducesTickets>,
    ) -> Result<(ServerConfig, u64), TlsError> {
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
        let builder = match &self.authorities {
            Some(file) if settings.client_certificates != Demand::Off => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities(file)?), provider);
                let verifier = if settings.client_certificates == Demand::Optional {
                    verifier.allow_unauthenticated()
                } else {
                    verifier
                };
                builder.with_client_cert_verifier(
                    verifier.build().map_err(|error| file.wrong(error, AUTHORITIES))?,
                )
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(certificates));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        if settings.client_certificates == Demand::Off {
            // A client keeps what it needs to come back cheaply; the gateway keeps nothing for it.
            config.ticketer = Arc::clone(tickets);
            config.send_tls13_tickets = 1;
        } else {
            // A ticket would let a client in whose certificate has expired since, or whose authority was taken out.
            config.send_tls13_tickets = 0;
        }
        Ok((config, expiry))
    }
}

fn certified(chain: &File, key: &File, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let certificates = chain.certificates(CHAIN)?;
    if let Err(error) = ParsedCertificate::try_from(&certificates[0]) {
        return Err(chain.wrong(format!("the first certificate can't be used: {error}"), CHAIN));
    }
    CertifiedKey::from_der(certificates, key.key()?, provider).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            TlsError::Mismatch { key: key.path.clone(), certificate: chain.path.clone() }
        }
        error => key.wrong(error, KEY),
    })
}

fn authorities(file: &File) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in file.certificates(AUTHORITIES)? {
        roots.add(certificate).map_err(|error| file.wrong(error, AUTHORITIES))?;
    }
    Ok(roots)
}
