//! Settings of TLS at a port that is not the clients'.

use super::word::Demand;
use super::{ConfigError, Tls};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

settings! {
    /// TLS on a port that is not the clients'. It is on where there is a certificate.
    PortTls {
        /// The chain of the server, PEM.
        cert_file: Option<PathBuf> = None,
        /// Its key, PEM.
        key_file: Option<PathBuf> = None,
        /// The authorities of the certificates that are shown there, PEM.
        client_ca_file: Option<PathBuf> = None,
        /// Whether whoever comes is asked for a certificate.
        client_certificates: Demand = Demand::Off,
    }
}

impl PortTls {
    /// Whether the port speaks TLS.
    pub fn is_on(&self) -> bool {
        self.cert_file.is_some()
    }

    /// The same as settings of the client port, with its defaults for what can't be set here.
    pub(crate) fn as_tls(&self) -> Tls {
        Tls {
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
            client_ca_file: self.client_ca_file.clone(),
            client_certificates: self.client_certificates,
            ..Tls::default()
        }
    }

    /// What a type alone cannot say. `room` is the part of the settings in which it stands, `whose` certificates are shown.
    ///
    /// # Errors
    /// Names the key, its value and what would be right.
    pub(super) fn check(&self, room: &str, whose: &str) -> Result<(), ConfigError> {
        let wrong = |key: &str, value: &str, right: &str| {
            Err(ConfigError::value(format!("{room}.tls.{key}"), value, right))
        };
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => {
                return wrong("key_file", "null", &format!("the key of {room}.tls.cert_file"));
            }
            (None, Some(_)) => {
                return wrong("cert_file", "null", &format!("the certificate of {room}.tls.key_file"));
            }
            _ => {}
        }
        if self.client_certificates != Demand::Off && self.client_ca_file.is_none() {
            let right = format!("the authorities of {whose}' certificates");
            return wrong("client_ca_file", "null", &right);
        }
        if self.client_ca_file.is_some() && self.client_certificates == Demand::Off {
            let right = format!("optional or required with a {room}.tls.client_ca_file");
            return wrong("client_certificates", "off", &right);
        }
        if self.client_ca_file.is_some() && !self.is_on() {
            return wrong(
                "cert_file",
                "null",
                "a certificate of the gateway's, without which there is no TLS",
            );
        }
        Ok(())
    }
}
