//! An authority of a test's own, and the certificates that it vouches for.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use std::fmt;
use std::sync::Arc;

/// An authority that nobody knows yet.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// One that nobody had before.
    ///
    /// # Panics
    /// The system has no randomness.
    pub fn fresh() -> Self {
        let key = KeyPair::generate().expect("a pair can be made");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two of one name would be taken for one that signs badly.
        let name = key.public_key_raw().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        params.distinguished_name.push(DnType::CommonName, name[2..34].to_owned());
        let pem = params.self_signed(&key).expect("the authority vouches for itself").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Its certificate, for those who are to believe it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// What a server of this name needs: an address or a host.
    ///
    /// # Panics
    /// The name is none.
    pub fn server(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a pair can be made");
        let params = CertificateParams::new([name.to_owned()]).expect("a server's name");
        let certificate = params.signed_by(&key, &self.issuer).expect("the authority signs");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("the key is in PKCS#8");
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has what TLS needs")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key);
        Arc::new(config.expect("the key is the certificate's"))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}
