//! Settings of TLS on the client port.

use super::ConfigError;
use super::word::{Demand, Word};
use crate::tls;
use auth::{CertificateRule, CertificateRules};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

settings! {
    /// TLS on the client port. It is on where there is a certificate.
    Tls {
        /// The chain of the server, PEM: where there is one alone.
        cert_file: Option<PathBuf> = None,
        /// Its key, PEM.
        key_file: Option<PathBuf> = None,
        /// Several, of which a client is shown the one with the name that it asks for.
        certificates: Vec<Certificate> = Vec::new(),
        /// The oldest version that is spoken.
        min_version: TlsVersion = TlsVersion::V1_3,
        /// Cipher suites, by the names that IANA gave them.
        cipher_suites: Vec<String> = TLS13_SUITES.map(str::to_owned).to_vec(),
        /// The authorities of clients' certificates, PEM.
        client_ca_file: Option<PathBuf> = None,
        /// Whether clients are asked for a certificate.
        client_certificates: Demand = Demand::Off,
        /// Whose a certificate is, by the names in it.
        client_identities: Vec<CertificateRule> = Vec::new(),
        /// Whether a token has to be of the tenant and the agent of the certificate.
        client_must_match_token: bool = false,
    }
}

const TLS13_SUITES: [&str; 3] =
    ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];

/// A certificate and its key.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The chain, PEM: the server's certificate, and behind it those of its issuers.
    pub cert_file: PathBuf,
    /// The key, PEM.
    pub key_file: PathBuf,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Word")]
pub enum TlsVersion {
    /// RFC 5246.
    #[serde(rename = "1.2")]
    V1_2,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    V1_3,
}

impl TryFrom<Word> for TlsVersion {
    type Error = String;

    fn try_from(word: Word) -> Result<Self, String> {
        match &*word.text() {
            "1.2" => Ok(Self::V1_2),
            "1.3" => Ok(Self::V1_3),
            other => Err(format!("TLS {other} is not spoken here; \"1.3\" or \"1.2\" is needed")),
        }
    }
}

impl Tls {
    /// Whether the client port speaks TLS.
    pub fn is_on(&self) -> bool {
        self.pairs().next().is_some()
    }

    /// The files of each certificate and its key, the one shown by default first.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Path, &Path)> {
        let single = self.cert_file.as_deref().zip(self.key_file.as_deref());
        let several = self.certificates.iter().map(|pair| (&*pair.cert_file, &*pair.key_file));
        single.into_iter().chain(several)
    }

    /// What a type alone cannot say.
    ///
    /// # Errors
    /// Names the key, its value and what would be right.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let missing = |key, right| Err(ConfigError::value(key, "null", right));
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => return missing("tls.key_file", "the key of tls.cert_file"),
            (None, Some(_)) => return missing("tls.cert_file", "the certificate of tls.key_file"),
            (Some(_), Some(_)) if !self.certificates.is_empty() => {
                let right = "either tls.certificates or tls.cert_file and tls.key_file";
                return Err(ConfigError::value("tls.certificates", "a list", right));
            }
            _ => {}
        }
        let known = tls::suite_names();
        if let Some(unknown) = self.cipher_suites.iter().find(|name| !known.contains(name)) {
            let right = format!("one of {}", known.join(", "));
            return Err(ConfigError::value("tls.cipher_suites", unknown, &right));
        }
        let is_of_13 = |name: &&String| TLS13_SUITES.contains(&name.as_str());
        let of_13 = self.cipher_suites.iter().filter(is_of_13).count();
        if of_13 == 0 {
            let right = format!("one of {} at least", TLS13_SUITES.join(", "));
            return Err(ConfigError::value("tls.cipher_suites", "none of TLS 1.3", &right));
        }
        match self.min_version {
            TlsVersion::V1_2 if of_13 == self.cipher_suites.len() => {
                let others = known.iter().filter(|name| !is_of_13(name)).map(String::as_str);
                let right = format!(
                    "1.3, or in tls.cipher_suites also one of {}",
                    others.collect::<Vec<_>>().join(", ")
                );
                return Err(ConfigError::value("tls.min_version", "1.2", &right));
            }
            TlsVersion::V1_3 if of_13 < self.cipher_suites.len() => {
                let right = "1.2 for the suites of TLS 1.2 in tls.cipher_suites";
                return Err(ConfigError::value("tls.min_version", "1.3", right));
            }
            _ => {}
        }
        if self.client_certificates != Demand::Off && self.client_ca_file.is_none() {
            return missing("tls.client_ca_file", "the authorities of clients' certificates");
        }
        if self.client_ca_file.is_some() && self.client_certificates == Demand::Off {
            let right = "optional or required with a tls.client_ca_file";
            return Err(ConfigError::value("tls.client_certificates", "off", right));
        }
        CertificateRules::new(&self.client_identities)
            .map_err(|error| ConfigError::Type(error.to_string()))?;
        if !self.client_identities.is_empty() && self.client_certificates == Demand::Off {
            let right = "optional or required with tls.client_identities";
            return Err(ConfigError::value("tls.client_certificates", "off", right));
        }
        if self.client_must_match_token && self.client_identities.is_empty() {
            let right = "false, or rules in tls.client_identities";
            return Err(ConfigError::value("tls.client_must_match_token", true, right));
        }
        if self.client_ca_file.is_some() && !self.is_on() {
            return missing("tls.cert_file", "a certificate of the gateway's, without which there is no TLS");
        }
        Ok(())
    }
}
