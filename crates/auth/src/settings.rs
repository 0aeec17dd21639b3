//! What an operator can choose about tokens: plain data, parsed once, checked by the verifier.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize, Serializer};

use crate::{IssuerSettings, TicketSettings};

/// How tokens are checked. Embedded in the gateway's configuration under `auth:`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether a connection needs a valid token. Default true. With false a client without a token is tenant
    /// `default`, agent `anonymous`, without scopes; a token that is presented must still be valid.
    pub required: bool,
    /// The only accepted value of `iss`, which must then be present. Default none: any issuer that holds a key.
    pub issuer: Option<String>,
    /// The value that `aud` must hold, alone or in a list; it must then be present. Default none: then a
    /// token that has an `aud` is meant for somebody else and is refused (RFC 7519 section 4.1.3).
    pub audience: Option<String>,
    /// How far the issuer's clock may be off, in seconds, for `exp` and `nbf`. Default 60, at most 86,400.
    pub leeway_s: u64,
    /// The longest accepted token in bytes; a longer one is refused unread. Default 8,192.
    pub max_token_bytes: usize,
    /// How long a live connection stays after its token has expired, in seconds, before it is closed with 4401.
    /// Default 30.
    pub grace_s: u64,
    /// The claim that names the tenant. Default `tenant`.
    pub tenant_claim: String,
    /// The claim that names the agent. Default `sub`.
    pub agent_claim: String,
    /// The claim that holds the scopes: an array of strings or one string, separated by spaces. Default `scopes`;
    /// a token without it may use `scope`.
    pub scopes_claim: String,
    /// The keys that tokens are checked with. Default none, which is an error where a token is required and no
    /// issuer is listed.
    pub keys: Vec<KeySettings>,
    /// Issuers with keys and rules of their own. A token whose `iss` names one of them is checked by that one alone,
    /// every other token by the settings above. Default none.
    pub issuers: Vec<IssuerSettings>,
    /// A file with API keys, YAML or JSON, read again when it changes. Default none: no API key is accepted.
    pub api_keys_file: Option<PathBuf>,
    /// How long a revocation stands, in milliseconds: at least as long as any token lives. Default 86,400,000 (a day), at
    /// most 31 days.
    pub revocation_ttl_ms: u64,
    /// How long a client whose token names a key that its issuer has not published yet may wait until the keys were
    /// fetched again, in milliseconds. Default 2,000, at most 60,000; 0 waits for nothing.
    pub key_wait_ms: u64,
    /// What stands in the URL of an upgrade in place of a token. Default: nothing does.
    pub tickets: TicketSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            required: true,
            issuer: None,
            audience: None,
            leeway_s: 60,
            max_token_bytes: 8192,
            grace_s: 30,
            tenant_claim: "tenant".to_owned(),
            agent_claim: "sub".to_owned(),
            scopes_claim: "scopes".to_owned(),
            keys: Vec::new(),
            issuers: Vec::new(),
            api_keys_file: None,
            revocation_ttl_ms: 86_400_000,
            key_wait_ms: 2000,
            tickets: TicketSettings::default(),
        }
    }
}

/// One key, and the one algorithm that it may be used with. Exactly one source of the key is given.
#[derive(Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeySettings {
    /// The key's id: a token whose header, or a PASETO whose footer, has this `kid` is checked with this key. Default
    /// none: the key is used for tokens without a `kid`, and only where it is the one key of its algorithm.
    pub id: Option<String>,
    /// The algorithm of the key. A token that names another is refused. Default HS256.
    pub algorithm: Algorithm,
    /// HS256: the secret's text, at least 32 bytes. Default none. It is never written out again.
    #[serde(serialize_with = "redact")]
    pub secret: Option<String>,
    /// HS256: a file with the secret, at least 32 bytes; one line break at its end is dropped. Default none.
    pub secret_file: Option<PathBuf>,
    /// All but HS256: a file with the public key as PEM. Default none.
    pub public_key_file: Option<PathBuf>,
    /// All but HS256: the public key as PEM. Default none.
    pub public_key: Option<String>,
}

fn redact<S: Serializer>(secret: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "[redacted]").serialize(serializer)
}

impl fmt::Debug for KeySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySettings")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("secret", &self.secret.as_ref().map(|_| "[redacted]"))
            .field("secret_file", &self.secret_file)
            .field("public_key_file", &self.public_key_file)
            .field("public_key", &self.public_key)
            .finish()
    }
}

/// How a token is signed. Written as the names of RFC 7518, RFC 8037 and PASETO, in that spelling only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub enum Algorithm {
    /// HMAC with SHA-256: one shared secret.
    #[default]
    HS256,
    /// RSA PKCS#1 v1.5 with SHA-256: keys of 2,048 to 8,192 bits.
    RS256,
    /// ECDSA on the curve P-256 with SHA-256.
    ES256,
    /// Ed25519.
    EdDSA,
    /// PASETO version 4, public: Ed25519 over a token of another form than a JWT.
    #[serde(rename = "v4.public")]
    V4Public,
}

impl Algorithm {
    /// The name in the configuration; of all but `v4.public` in a token's header too.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
            Self::V4Public => "v4.public",
        }
    }

    /// The algorithm of a JWT of that name, exactly spelled; none for every other, `none` among them.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "HS256" => Some(Self::HS256),
            "RS256" => Some(Self::RS256),
            "ES256" => Some(Self::ES256),
            "EdDSA" => Some(Self::EdDSA),
            _ => None,
        }
    }

    /// The algorithm that a header or a published key names. RFC 9864 calls EdDSA on this curve `Ed25519`.
    pub(crate) fn from_jose(name: &str) -> Option<Self> {
        if name == "Ed25519" { Some(Self::EdDSA) } else { Self::from_name(name) }
    }

    /// None for that of a PASETO.
    pub(crate) const fn of_jwt(self) -> Option<jsonwebtoken::Algorithm> {
        match self {
            Self::HS256 => Some(jsonwebtoken::Algorithm::HS256),
            Self::RS256 => Some(jsonwebtoken::Algorithm::RS256),
            Self::ES256 => Some(jsonwebtoken::Algorithm::ES256),
            Self::EdDSA => Some(jsonwebtoken::Algorithm::EdDSA),
            Self::V4Public => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
