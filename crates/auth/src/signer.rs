//! Mints tokens for development, tests and benchmarks. It refuses to be an identity provider: no keys are kept,
//! nothing is revoked, and it mints only what the verifier would accept.

use std::fmt;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Map, Value};

use crate::claims::{LATEST, is_name, is_scope};
use crate::error::KeyProblem;
use crate::verifier::now;
use crate::{Algorithm, Error, material};

/// A key to sign with.
pub struct Signer {
    header: Header,
    key: EncodingKey,
}

/// What a minted token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The claim `tenant`: 1 to 128 bytes without control characters.
    pub tenant: String,
    /// The claim `sub`: 1 to 128 bytes without control characters.
    pub agent: String,
    /// The claim `scopes`: printable ASCII without spaces, quotes and backslashes each. `*` grants everything.
    pub scopes: Vec<String>,
    /// The claim `iss`.
    pub issuer: Option<String>,
    /// The claim `aud`.
    pub audience: Option<String>,
    /// How long the token is valid from now on, at least a second.
    pub ttl: Duration,
    /// The claim `nbf` in Unix seconds.
    pub not_before: Option<u64>,
    /// The claim `jti`: 1 to 128 bytes without control characters.
    pub token_id: Option<String>,
}

impl Claims {
    /// Claims without scopes, issuer, audience, start and id, valid for an hour.
    pub fn new(tenant: impl Into<String>, agent: impl Into<String>) -> Self {
        Self {
            tenant: tenant.into(),
            agent: agent.into(),
            scopes: Vec::new(),
            issuer: None,
            audience: None,
            ttl: Duration::from_secs(3600),
            not_before: None,
            token_id: None,
        }
    }
}

impl Signer {
    /// A signer with a shared secret, HS256.
    ///
    /// # Errors
    ///
    /// [`Error::SigningKey`]: the secret has under 32 bytes or is a PEM.
    pub fn hs256(secret: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        material::check_secret(secret)
            .map_err(|problem| Error::SigningKey { algorithm: Algorithm::HS256, problem })?;
        Ok(Self::new(jsonwebtoken::Algorithm::HS256, EncodingKey::from_secret(secret), kid))
    }

    /// A signer with the private key in a PEM: PKCS#8, or PKCS#1 for RSA.
    ///
    /// # Errors
    ///
    /// [`Error::SigningKey`]: the PEM does not hold a private key of this algorithm, or the algorithm is HS256 or
    /// `v4.public`.
    pub fn from_pem(algorithm: Algorithm, pem: &[u8], kid: Option<&str>) -> Result<Self, Error> {
        let key = match algorithm.of_jwt() {
            None => Err(KeyProblem::NeverSigned),
            Some(jsonwebtoken::Algorithm::HS256) => {
                Err(KeyProblem::Unfitting { field: "a PEM", right: "a secret" })
            }
            Some(library) => material::private_key(library, pem).map(|key| Self::new(library, key, kid)),
        };
        key.map_err(|problem| Error::SigningKey { algorithm, problem })
    }

    /// Signs a token that starts to live now, with the claim names of the default settings.
    ///
    /// # Errors
    ///
    /// [`Error::Claim`]: the verifier would refuse it. [`Error::Signing`]: the signature failed.
    pub fn mint(&self, claims: &Claims) -> Result<String, Error> {
        let check =
            |claim, fine: bool, problem| if fine { Ok(()) } else { Err(Error::Claim { claim, problem }) };
        const NAME: &str = "must have 1 to 128 bytes and no control characters";
        check("the tenant", is_name(&claims.tenant), NAME)?;
        check("the agent", is_name(&claims.agent), NAME)?;
        check("the token id", claims.token_id.as_deref().is_none_or(is_name), NAME)?;
        let scopes_fit = claims.scopes.iter().all(|scope| is_scope(scope));
        check("a scope", scopes_fit, "must be printable ASCII without spaces, quotes and backslashes")?;
        let issued_at = now();
        let expires_at = issued_at.saturating_add(claims.ttl.as_secs());
        check("the time to live", claims.ttl.as_secs() > 0, "must be at least a second")?;
        check("the time to live", expires_at <= LATEST, "must end before the year 10000")?;
        check("the start", claims.not_before.is_none_or(|at| at <= LATEST), "must be before the year 10000")?;

        let mut payload = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                payload.insert(name.to_owned(), value);
            }
        };
        put("sub", Some(claims.agent.as_str().into()));
        put("tenant", Some(claims.tenant.as_str().into()));
        put("scopes", Some(claims.scopes.clone().into()));
        put("iss", claims.issuer.as_deref().map(Value::from));
        put("aud", claims.audience.as_deref().map(Value::from));
        put("iat", Some(issued_at.into()));
        put("nbf", claims.not_before.map(Value::from));
        put("exp", Some(expires_at.into()));
        put("jti", claims.token_id.as_deref().map(Value::from));
        jsonwebtoken::encode(&self.header, &payload, &self.key).map_err(|_| Error::Signing)
    }

    fn new(algorithm: jsonwebtoken::Algorithm, key: EncodingKey, kid: Option<&str>) -> Self {
        let mut header = Header::new(algorithm);
        header.kid = kid.map(str::to_owned);
        Self { header, key }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("header", &self.header).finish_non_exhaustive()
    }
}
