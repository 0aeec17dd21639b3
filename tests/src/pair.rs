//! A key pair of an issuer: it signs tokens, and publishes its public half.

use auth::{Algorithm, Claims, Signer};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// A fresh Ed25519 pair with an id.
#[derive(Debug)]
pub struct Pair {
    signer: Signer,
    jwk: Value,
}

impl Pair {
    /// A pair that nobody had before.
    ///
    /// # Panics
    /// The system has no randomness.
    pub fn fresh(kid: &str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).expect("a pair can be made");
        let signer = Signer::from_pem(Algorithm::EdDSA, pair.serialize_pem().as_bytes(), Some(kid));
        let x = BASE64_URL_SAFE_NO_PAD.encode(pair.public_key_raw());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": kid, "x": x});
        Self { signer: signer.expect("the pair signs"), jwk }
    }

    /// A set of the public halves.
    pub fn set(pairs: &[&Self]) -> String {
        json!({"keys": pairs.iter().map(|pair| &pair.jwk).collect::<Vec<_>>()}).to_string()
    }

    /// A token of this issuer for agent `agent` of tenant `tenant`, valid for an hour.
    ///
    /// # Panics
    /// It can't be signed.
    pub fn mint(&self, issuer: &str) -> String {
        let claims = Claims { issuer: Some(issuer.to_owned()), ..Claims::new("tenant", "agent") };
        self.signer.mint(&claims).expect("the claims can be signed")
    }
}
