//! Keys as an issuer publishes them: a JWK set (RFC 7517). It refuses to know where the set comes from.
//!
//! Whatever is no public key to verify with is passed over, as an issuer may publish it for others.

use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use serde_json::Value;

use crate::Algorithm;
use crate::error::JwksProblem;
use crate::keys::{ID_LIMIT, Key, Keys};
use crate::material::Material;

/// Every unknown token is compared with all of them.
const KEYS_LIMIT: usize = 128;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that may be used with one of these algorithms.
pub(crate) fn parse(json: &[u8], algorithms: &[Algorithm]) -> Result<Keys, JwksProblem> {
    let set: Set = serde_json::from_slice(json).map_err(JwksProblem::Malformed)?;
    if set.keys.len() > KEYS_LIMIT {
        return Err(JwksProblem::TooMany(KEYS_LIMIT));
    }
    let mut keys: Vec<Key> = Vec::new();
    for value in set.keys {
        let Ok(jwk) = Jwk::deserialize(value) else { continue };
        let Some(key) = jwk.key().filter(|key| algorithms.contains(&key.algorithm)) else { continue };
        if key.id.is_some() && keys.iter().any(|other| other.id == key.id) {
            return Err(JwksProblem::DuplicateId(jwk.kid.unwrap_or_default()));
        }
        keys.push(key);
    }
    if keys.is_empty() { Err(JwksProblem::NoneUsable) } else { Ok(Keys::new(keys)) }
}

impl Jwk {
    fn key(&self) -> Option<Key> {
        if self.kid.as_deref().is_some_and(|kid| kid.is_empty() || kid.len() > ID_LIMIT) {
            return None;
        }
        let for_us = self.r#use.as_deref().is_none_or(|usage| usage == "sig")
            && self.key_ops.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
        let algorithm = self.algorithm().filter(|_| for_us)?;
        let material = self.material(algorithm)?;
        Some(Key { id: self.kid.as_deref().map(Box::from), algorithm, material })
    }

    /// The one algorithm of a key of this kind; none if the key is said to be for another.
    fn algorithm(&self) -> Option<Algorithm> {
        let algorithm = match (&*self.kty, self.crv.as_deref()) {
            ("RSA", _) => Algorithm::RS256,
            ("EC", Some("P-256")) => Algorithm::ES256,
            ("OKP", Some("Ed25519")) => Algorithm::EdDSA,
            _ => return None,
        };
        let fits = |name: &str| Algorithm::from_jose(name) == Some(algorithm);
        self.alg.as_deref().is_none_or(fits).then_some(algorithm)
    }

    fn material(&self, algorithm: Algorithm) -> Option<Material> {
        let key = match algorithm {
            Algorithm::RS256 => return Material::rsa(self.n.as_deref()?, self.e.as_deref()?),
            Algorithm::ES256 => DecodingKey::from_ec_components(self.x.as_deref()?, self.y.as_deref()?),
            Algorithm::EdDSA => DecodingKey::from_ed_components(self.x.as_deref()?),
            Algorithm::HS256 | Algorithm::V4Public => return None,
        };
        Material::public(algorithm, key.ok()?)
    }
}
