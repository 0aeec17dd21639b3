//! Settings of the gRPC port for backends.

use super::word::{Demand, Word};
use super::{ConfigError, PortTls};
use auth::RegistrantSettings;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

settings! {
    /// The gRPC port for backends.
    Registry {
        /// Where backends register.
        listen: SocketAddr = ([0, 0, 0, 0], 9091).into(),
        /// TLS on this port.
        tls: PortTls = PortTls::default(),
        /// Whether whoever registers or publishes has to prove who it is. Where `backends` lists any, it has to.
        proof: Proof = Proof::Off,
        /// Who may register and publish what, and how it proves who it is.
        backends: Vec<RegistrantSettings> = Vec::new(),
        /// How long a registration lives without a heartbeat, in milliseconds.
        lease_ms: u32 = 5_000,
        /// Registrations at a time.
        max_registrations: usize = 1_000,
        /// Registrations that have said hello and were not judged yet.
        max_pending: usize = 64,
        /// Open connections; more wait to be accepted.
        max_connections: usize = 4_096,
        /// Requests that one connection may have open.
        max_streams: u32 = 64,
        /// Requests of one connection that were reset before they were begun; one more closes it.
        max_resets: usize = 20,
        /// The headers of one request.
        max_header_bytes: u32 = 16_384,
        /// From accept to the first request that may be made, in milliseconds.
        handshake_timeout_ms: u64 = 10_000,
    }
}

/// Whether a proof is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Word", rename_all = "lowercase")]
pub enum Proof {
    /// Whoever reaches the port may register anything.
    Off,
    /// Only who is listed, and only what is listed for it.
    Required,
}

impl TryFrom<Word> for Proof {
    type Error = String;

    fn try_from(word: Word) -> Result<Self, String> {
        match &*word.text() {
            "off" => Ok(Self::Off),
            "required" => Ok(Self::Required),
            other => Err(format!("{other} is neither off nor required")),
        }
    }
}

impl Registry {
    /// Whether nobody may register and publish without a proof.
    pub fn asks_for_proof(&self) -> bool {
        self.proof == Proof::Required || !self.backends.is_empty()
    }

    /// What a type alone cannot say.
    ///
    /// # Errors
    /// Names the key, its value and what would be right.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let at_least_one = [
            ("registry.max_registrations", self.max_registrations as u64),
            ("registry.max_pending", self.max_pending as u64),
            ("registry.max_connections", self.max_connections as u64),
            ("registry.max_streams", u64::from(self.max_streams)),
            ("registry.max_resets", self.max_resets as u64),
            ("registry.handshake_timeout_ms", self.handshake_timeout_ms),
        ];
        if let Some((key, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::value(key, 0, "1 or more"));
        }
        if self.lease_ms < 100 {
            return Err(ConfigError::value("registry.lease_ms", self.lease_ms, "100 or more"));
        }
        if self.max_header_bytes < 1_024 {
            let right = "1024 bytes or more";
            return Err(ConfigError::value("registry.max_header_bytes", self.max_header_bytes, right));
        }
        self.tls.check("registry", "backends")?;
        let needs_certificate = self.backends.iter().any(|backend| backend.san.is_some());
        if needs_certificate && self.tls.client_certificates == Demand::Off {
            let right = "optional or required with a san in registry.backends";
            return Err(ConfigError::value("registry.tls.client_certificates", "off", right));
        }
        Ok(())
    }
}
