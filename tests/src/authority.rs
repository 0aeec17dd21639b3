//! An authority of a test's own, the certificates that it gives, and whoever believes it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType, date_time_ymd};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CipherSuite, ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Signs certificates.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, PEM.
    pub pem: String,
}

/// A certificate and its key, PEM.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Bearer {
    /// Writes both into this folder, as `NAME.pem` and `NAME.key`; their paths.
    ///
    /// # Panics
    /// The folder can't be written to.
    pub fn write(&self, folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let paths = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        std::fs::write(&paths.0, &self.certificate).expect("the folder is ours");
        std::fs::write(&paths.1, &self.key).expect("the folder is ours");
        paths
    }
}

impl Authority {
    /// One that nobody knows yet. Two of one name would be taken for one that signs badly.
    ///
    /// # Panics
    /// The system has no randomness.
    pub fn fresh(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("the system has randomness");
        let pem = params.self_signed(&key).expect("a key can sign").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for these DNS names or addresses.
    pub fn certify(&self, names: &[&str]) -> Bearer {
        self.sign(Self::params(names))
    }

    /// One that has expired long ago.
    pub fn certify_expired(&self, names: &[&str]) -> Bearer {
        let mut params = Self::params(names);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(params)
    }

    /// One with this URI as its only name.
    ///
    /// # Panics
    /// It is not ASCII.
    pub fn certify_uri(&self, uri: &str) -> Bearer {
        let mut params = Self::params(&[]);
        params.subject_alt_names.push(SanType::URI(uri.try_into().expect("ASCII")));
        self.sign(params)
    }

    /// One for these DNS names or addresses, with this URI as a further name.
    ///
    /// # Panics
    /// The URI is not ASCII.
    pub fn certify_both(&self, names: &[&str], uri: &str) -> Bearer {
        let mut params = Self::params(names);
        params.subject_alt_names.push(SanType::URI(uri.try_into().expect("ASCII")));
        self.sign(params)
    }

    /// What a server of this name needs: an address or a host.
    ///
    /// # Panics
    /// The name is none.
    pub fn server(&self, name: &str) -> Arc<ServerConfig> {
        let bearer = self.certify(&[name]);
        let certificate = CertificateDer::from_pem_slice(bearer.certificate.as_bytes()).expect("it is PEM");
        let key = PrivateKeyDer::from_pem_slice(bearer.key.as_bytes()).expect("it is PEM");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has what TLS needs")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        Arc::new(config.expect("they go together"))
    }

    fn params(names: &[&str]) -> CertificateParams {
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        CertificateParams::new(names).expect("names of hosts")
    }

    fn sign(&self, params: CertificateParams) -> Bearer {
        let key = KeyPair::generate().expect("the system has randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("a key can sign");
        Bearer { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

/// A client that believes one authority, and what it offers to a gateway.
#[derive(Clone, Debug)]
pub struct Trust {
    roots: RootCertStore,
    versions: Vec<&'static SupportedProtocolVersion>,
    suites: Option<Vec<CipherSuite>>,
    protocols: Vec<&'static str>,
    bearer: Option<Bearer>,
}

impl Trust {
    /// Believes this authority, offers all versions and suites, and `http/1.1`.
    ///
    /// # Panics
    /// Its certificate is none.
    pub fn of(authority: &Authority) -> Self {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("it is PEM");
        roots.add(certificate).expect("it is an authority");
        let versions = rustls::ALL_VERSIONS.to_vec();
        Self { roots, versions, suites: None, protocols: vec!["http/1.1"], bearer: None }
    }

    /// Offers these versions alone.
    #[must_use]
    pub fn versions(mut self, versions: &[&'static SupportedProtocolVersion]) -> Self {
        self.versions = versions.to_vec();
        self
    }

    /// Offers these suites alone.
    #[must_use]
    pub fn suites(mut self, suites: &[CipherSuite]) -> Self {
        self.suites = Some(suites.to_vec());
        self
    }

    /// Offers these protocols by ALPN.
    #[must_use]
    pub fn protocols(mut self, protocols: &[&'static str]) -> Self {
        self.protocols = protocols.to_vec();
        self
    }

    /// Shows this certificate where it is asked for one.
    #[must_use]
    pub fn bearing(mut self, bearer: &Bearer) -> Self {
        self.bearer = Some(bearer.clone());
        self
    }

    /// What a session is made with.
    ///
    /// # Panics
    /// The parts do not go together.
    pub fn config(&self) -> Arc<ClientConfig> {
        let mut provider = aws_lc_rs::default_provider();
        if let Some(suites) = &self.suites {
            provider.cipher_suites.retain(|suite| suites.contains(&suite.suite()));
        }
        let provider: Arc<CryptoProvider> = Arc::new(provider);
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .expect("each version has a suite")
            .with_root_certificates(self.roots.clone());
        let mut config = match &self.bearer {
            None => builder.with_no_client_auth(),
            Some(bearer) => {
                let chain = CertificateDer::pem_slice_iter(bearer.certificate.as_bytes());
                let chain = chain.collect::<Result<_, _>>().expect("it is PEM");
                let key = PrivateKeyDer::from_pem_slice(bearer.key.as_bytes()).expect("it is PEM");
                builder.with_client_auth_cert(chain, key).expect("they go together")
            }
        };
        config.alpn_protocols = self.protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Arc::new(config)
    }
}
