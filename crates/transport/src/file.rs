//! A PEM file of TLS: certificates, a key, or authorities. What is wrong in it is told with its path.

use crate::TlsError;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use std::path::{Path, PathBuf};

const CHAIN: &str = "a chain in PEM is needed: the own certificate, and behind it those of its issuers";
const KEY: &str = "a private key in PEM is needed: PKCS#8, PKCS#1 or SEC1, without a passphrase";
/// What a file of authorities has to be.
pub const AUTHORITIES: &str = "the certificates of authorities are needed, in PEM";

/// A file and what is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    /// Reads the whole file.
    ///
    /// # Errors
    /// It can't be read.
    pub fn read(path: &Path) -> Result<Self, TlsError> {
        let bytes =
            std::fs::read(path).map_err(|reason| TlsError::Unreadable { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned(), bytes })
    }

    /// That something else was found in it than what would be right.
    pub fn wrong(&self, found: impl ToString, right: &'static str) -> TlsError {
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

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // All but what is in it, which may be a key.
        f.debug_struct("File").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A certificate's chain and its key, which belong together.
///
/// # Errors
/// What is wrong with either, or that they don't.
pub fn certified(chain: &File, key: &File, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
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

/// The authorities in a file.
///
/// # Errors
/// What is wrong with it.
pub fn roots(file: &File) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in file.certificates(AUTHORITIES)? {
        roots.add(certificate).map_err(|error| file.wrong(error, AUTHORITIES))?;
    }
    Ok(roots)
}
