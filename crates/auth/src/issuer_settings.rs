//! What an operator can choose about one issuer: plain data, parsed once, checked by the verifier.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Algorithm, KeySettings};

/// An issuer with keys and rules of its own. Exactly one of `keys`, `jwks_file`, `jwks_url` and `discover` says where
/// its keys come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct IssuerSettings {
    /// The `iss` of its tokens, to the letter. With `discover` it is an address too.
    pub issuer: String,
    /// The value that `aud` must hold, alone or in a list; it must then be present. Default none: then a token that
    /// has an `aud` is refused.
    pub audience: Option<String>,
    /// The algorithms that its keys may have. Default none listed: with `keys` theirs, else RS256, ES256 and EdDSA.
    pub algorithms: Vec<Algorithm>,
    /// Its keys, as in the settings above.
    pub keys: Vec<KeySettings>,
    /// A file with its keys as a JWK set (RFC 7517), read again when it changes. Default none.
    pub jwks_file: Option<PathBuf>,
    /// Where it publishes its keys as a JWK set: https, or http on loopback. Default none.
    pub jwks_url: Option<String>,
    /// Whether to read from its `/.well-known/openid-configuration` where it publishes its keys. Default false.
    pub discover: bool,
    /// A PEM with the authorities that may vouch for the server with the keys. Default none: those of the system.
    pub ca_file: Option<PathBuf>,
    /// The shortest time between two fetches of the keys, in milliseconds, whoever asks. Default 30,000.
    pub min_refresh_ms: u64,
    /// The longest time that fetched keys are used unasked, in milliseconds, whatever the server says. Default
    /// 3,600,000.
    pub max_refresh_ms: u64,
    /// How long one fetch may take, in milliseconds. Default 5,000.
    pub fetch_timeout_ms: u64,
    /// The only tenants that its tokens may name. Default none listed: any.
    pub tenants: Vec<String>,
    /// The claim that names the tenant. Default `tenant`.
    pub tenant_claim: String,
    /// The claim that names the agent. Default `sub`.
    pub agent_claim: String,
    /// The claim that holds the scopes: an array of strings or one string, separated by spaces. Default `scopes`;
    /// a token without it may use `scope`.
    pub scopes_claim: String,
}

impl Default for IssuerSettings {
    fn default() -> Self {
        Self {
            issuer: String::new(),
            audience: None,
            algorithms: Vec::new(),
            keys: Vec::new(),
            jwks_file: None,
            jwks_url: None,
            discover: false,
            ca_file: None,
            min_refresh_ms: 30_000,
            max_refresh_ms: 3_600_000,
            fetch_timeout_ms: 5_000,
            tenants: Vec::new(),
            tenant_claim: "tenant".to_owned(),
            agent_claim: "sub".to_owned(),
            scopes_claim: "scopes".to_owned(),
        }
    }
}

impl IssuerSettings {
    /// The setting that can't work, and what would be right.
    pub(crate) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        const SOURCES: &str =
            "must be alone of keys, jwks_file, jwks_url and discover: set exactly one of them";
        let sources = [
            ("keys", !self.keys.is_empty()),
            ("jwks_file", self.jwks_file.is_some()),
            ("jwks_url", self.jwks_url.is_some()),
            ("discover", self.discover),
        ];
        let mut given = sources.iter().filter(|(_, given)| *given);
        match (given.next(), given.next()) {
            (None, _) => return Err(("keys", SOURCES)),
            (Some(_), None) => {}
            (Some(_), Some((name, _))) => return Err((name, SOURCES)),
        }
        const ADDRESS: &str =
            "must be an address with https://, or with http:// on loopback, without a user in it";
        let is_unpublished =
            |algorithm: &Algorithm| matches!(algorithm, Algorithm::HS256 | Algorithm::V4Public);
        let is_foreign = |key: &KeySettings| !self.algorithms.contains(&key.algorithm);
        let bad_address = |address: &str| !is_trustworthy(address);
        [
            ("issuer", self.issuer.is_empty(), "must not be empty"),
            ("issuer", self.discover && bad_address(&self.issuer), ADDRESS),
            (
                "issuer",
                self.discover && self.issuer.contains(['?', '#']),
                "must have no query and no fragment",
            ),
            ("jwks_url", self.jwks_url.as_deref().is_some_and(bad_address), ADDRESS),
            ("audience", self.audience.as_deref() == Some(""), "must not be empty: leave it out"),
            (
                "algorithms",
                self.keys.is_empty() && self.algorithms.iter().any(is_unpublished),
                "must hold neither HS256 nor v4.public: a JWK set has no such keys",
            ),
            (
                "algorithms",
                !self.algorithms.is_empty() && self.keys.iter().any(is_foreign),
                "must hold the algorithm of each of its keys",
            ),
            ("min_refresh_ms", self.min_refresh_ms == 0, "must be at least 1"),
            ("max_refresh_ms", self.max_refresh_ms < self.min_refresh_ms, "must be at least min_refresh_ms"),
            ("fetch_timeout_ms", self.fetch_timeout_ms == 0, "must be at least 1"),
            ("tenant_claim", self.tenant_claim.is_empty(), "must name a claim"),
            ("agent_claim", self.agent_claim.is_empty(), "must name a claim"),
            ("scopes_claim", self.scopes_claim.is_empty(), "must name a claim"),
        ]
        .into_iter()
        .find(|(_, wrong, _)| *wrong)
        .map_or(Ok(()), |(setting, _, problem)| Err((setting, problem)))
    }

    /// The algorithms of published keys.
    pub(crate) fn published_algorithms(&self) -> Vec<Algorithm> {
        match &*self.algorithms {
            [] => vec![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA],
            some => some.to_vec(),
        }
    }
}

/// Whether keys may be fetched from this address: by https, or on loopback, where nobody can stand in between.
pub fn is_trustworthy(address: &str) -> bool {
    let host = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let strange = |c: char| c == '@' || c == '\\' || c.is_whitespace() || c.is_control();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        };
        (!host.is_empty() && !rest.contains(strange)).then(|| host.to_owned())
    };
    if let Some(rest) = address.strip_prefix("https://") {
        return host(rest).is_some();
    }
    let host = address.strip_prefix("http://").and_then(host);
    host.is_some_and(|host| {
        let numbers = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        host == "localhost" || numbers.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    })
}
