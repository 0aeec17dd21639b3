//! Makes tokens as an issuer would, and as an attacker would: any header, any payload, any key.

use std::time::{SystemTime, UNIX_EPOCH};

use auth::{Algorithm, Identity, KeySettings, Refusal, Settings, Verifier};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "a secret of at least thirty-two bytes";

/// A key pair as two PEMs.
pub(crate) struct Pair {
    pub(crate) algorithm: Algorithm,
    pub(crate) private: String,
    pub(crate) public: String,
}

impl Pair {
    pub(crate) fn generate(algorithm: Algorithm) -> Self {
        let kind = match algorithm {
            Algorithm::RS256 => &rcgen::PKCS_RSA_SHA256,
            Algorithm::ES256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            Algorithm::EdDSA => &rcgen::PKCS_ED25519,
            Algorithm::HS256 | Algorithm::V4Public => panic!("{algorithm} has no pair of this form"),
        };
        let pair = rcgen::KeyPair::generate_for(kind).expect("the algorithm is supported");
        Self { algorithm, private: pair.serialize_pem(), public: pair.public_key_pem() }
    }

    pub(crate) fn settings(&self, id: Option<&str>) -> KeySettings {
        KeySettings {
            id: id.map(str::to_owned),
            algorithm: self.algorithm,
            public_key: Some(self.public.clone()),
            ..KeySettings::default()
        }
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is after 1970").as_secs()
}

pub(crate) fn secret_key(id: Option<&str>) -> KeySettings {
    KeySettings { id: id.map(str::to_owned), secret: Some(SECRET.to_owned()), ..KeySettings::default() }
}

/// The settings with one HS256 key without id.
pub(crate) fn settings() -> Settings {
    Settings { keys: vec![secret_key(None)], ..Settings::default() }
}

pub(crate) fn verifier(settings: &Settings) -> Verifier {
    Verifier::new(settings).expect("the settings are right")
}

pub(crate) fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

/// Claims that the default settings accept.
pub(crate) fn claims() -> Value {
    json!({"sub": "bot", "tenant": "acme", "scopes": ["tool.read"], "exp": now() + 600})
}

/// `base` with one name set, or taken out where the value is null.
pub(crate) fn with(mut base: Value, name: &str, value: Value) -> Value {
    let object = base.as_object_mut().expect("an object");
    match value {
        Value::Null => object.remove(name),
        value => object.insert(name.to_owned(), value),
    };
    base
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token of these texts, whatever they are, signed with HMAC.
pub(crate) fn sign_text(header: &str, payload: &str, secret: &[u8]) -> String {
    sign_with(header, payload, jsonwebtoken::Algorithm::HS256, &EncodingKey::from_secret(secret))
}

pub(crate) fn sign_with(
    header: &str,
    payload: &str,
    algorithm: jsonwebtoken::Algorithm,
    key: &EncodingKey,
) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).expect("the key signs");
    format!("{message}.{signature}")
}

/// A token with a valid HMAC over exactly this header and these claims.
pub(crate) fn sign(header: &Value, claims: &Value) -> String {
    sign_text(&header.to_string(), &claims.to_string(), SECRET.as_bytes())
}

/// What the default settings say about a correctly signed token with these claims.
pub(crate) fn verify_claims(claims: &Value) -> Result<Identity, Refusal> {
    verifier(&settings()).verify(&sign(&header(), claims))
}

/// What the default settings say about a correctly signed token with this header.
pub(crate) fn verify_header(header: &Value) -> Result<Identity, Refusal> {
    verifier(&settings()).verify(&sign(header, &claims()))
}
