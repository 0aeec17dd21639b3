//! Settings of the operators' port.

use super::word::Demand;
use super::{ConfigError, PortTls};
use auth::{OperatorCertificate, OperatorToken};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

settings! {
    /// The operators' port.
    Admin {
        /// Where /metrics, /health and /admin are served.
        listen: SocketAddr = ([0, 0, 0, 0], 9090).into(),
        /// Whether /health/ready says 200 also while the store is out of reach.
        ready_without_store: bool = false,
        /// TLS on this port.
        tls: PortTls = PortTls::default(),
        /// Operators who are known by a token. Where neither these nor `certificates` list any, this machine's are.
        tokens: Vec<OperatorToken> = Vec::new(),
        /// Operators who are known by a certificate.
        certificates: Vec<OperatorCertificate> = Vec::new(),
        /// Whether /metrics is for operators alone.
        metrics_for_operators: bool = false,
        /// Open connections; more wait to be accepted.
        max_connections: usize = 256,
        /// From accept to the first request that may be made, in milliseconds.
        handshake_timeout_ms: u64 = 10_000,
        /// Sessions that are tailed at a time.
        max_tails: usize = 8,
    }
}

impl Admin {
    /// What a type alone cannot say.
    ///
    /// # Errors
    /// Names the key, its value and what would be right.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let at_least_one = [
            ("admin.max_connections", self.max_connections as u64),
            ("admin.handshake_timeout_ms", self.handshake_timeout_ms),
        ];
        if let Some((key, _)) = at_least_one.into_iter().find(|(_, value)| *value == 0) {
            return Err(ConfigError::value(key, 0, "1 or more"));
        }
        self.tls.check("admin", "operators")?;
        if !self.certificates.is_empty() && self.tls.client_certificates == Demand::Off {
            let right = "optional or required with admin.certificates";
            return Err(ConfigError::value("admin.tls.client_certificates", "off", right));
        }
        if self.metrics_for_operators && self.tokens.is_empty() && self.certificates.is_empty() {
            let right = "false, or operators in admin.tokens or admin.certificates,";
            return Err(ConfigError::value("admin.metrics_for_operators", true, right));
        }
        Ok(())
    }
}
