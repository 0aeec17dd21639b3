//! Settings of Model Context Protocol on the client port.

use super::ConfigError;
use auth::is_trustworthy;
use bridge::Partial;
use serde::{Deserialize, Serialize};

settings! {
    /// Model Context Protocol.
    Mcp {
        /// The address of the endpoint as clients know it, such as `https://mcp.example.com/mcp`: the resource that tokens are
        /// for. With it clients are told which authorization servers give them out (RFC 9728).
        resource: Option<String> = None,
        /// The authorization servers. None: the issuers of `auth` that are addresses.
        authorization_servers: Vec<String> = Vec::new(),
        /// The scopes that a client needs at least, as it is told them.
        scopes: Vec<String> = Vec::new(),
        /// How long a session over HTTP is kept without a request, in milliseconds.
        session_ms: u64 = 3_600_000,
        /// What becomes of a list of resources or prompts if a backend does not answer.
        partial: Partial = Partial::Tolerate,
    }
}

impl Mcp {
    /// What a type alone cannot say.
    ///
    /// # Errors
    /// Names the key, its value and what would be right.
    pub(super) fn check(&self, auth: &auth::Settings) -> Result<(), ConfigError> {
        for server in &self.authorization_servers {
            if !is_trustworthy(server) {
                let right = "the address of an issuer, https, or http on loopback,";
                return Err(ConfigError::value("mcp.authorization_servers", server, right));
            }
        }
        if self.session_ms < 1_000 {
            return Err(ConfigError::value("mcp.session_ms", self.session_ms, "1000 or more"));
        }
        let is_scope = |scope: &str| {
            // RFC 6749 section 3.3.
            !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
        };
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            let right = "visible ASCII without spaces, quotes and backslashes";
            return Err(ConfigError::value("mcp.scopes", scope, right));
        }
        let Some(resource) = &self.resource else { return Ok(()) };
        if !is_trustworthy(resource) || resource.contains(['#', '?', '"']) || !resource.is_ascii() {
            let right = "an address such as https://mcp.example.com/mcp, without query and fragment,";
            return Err(ConfigError::value("mcp.resource", resource, right));
        }
        if self.issuers(auth).is_empty() {
            let right =
                "an issuer that is an address, in auth.issuer, auth.issuers or mcp.authorization_servers,";
            return Err(ConfigError::value("mcp.resource", resource, right));
        }
        Ok(())
    }

    /// Who gives out tokens.
    pub(crate) fn issuers<'a>(&'a self, auth: &'a auth::Settings) -> Vec<&'a str> {
        if !self.authorization_servers.is_empty() {
            return self.authorization_servers.iter().map(String::as_str).collect();
        }
        let listed = auth.issuers.iter().map(|issuer| issuer.issuer.as_str());
        auth.issuer.as_deref().into_iter().chain(listed).filter(|issuer| is_trustworthy(issuer)).collect()
    }
}
