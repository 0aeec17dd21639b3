//! Key material from bytes: secrets and PEMs, checked before anything is signed or verified with them.
//! It refuses to know ids, settings and claims.

use std::io;
use std::ops::RangeInclusive;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm as JwtAlgorithm, DecodingKey, EncodingKey};
use pasetors::keys::AsymmetricPublicKey;
use pasetors::version4::{PublicToken, V4};

use crate::error::KeyProblem;
use crate::token::{Parts, Token};
use crate::{Algorithm, Refusal};

/// RFC 7518 section 3.2: a key of at least the hash's size.
const SECRET_MINIMUM: usize = 32;

/// RFC 7518 section 3.3 asks for 2,048 bits. The DER of such a public key has 270 bytes, of 1,024 bits 140; the
/// verifier below refuses every smaller modulus for itself, this only says so at start.
const RSA_DER_MINIMUM: usize = 260;

/// Bits of a modulus and of an exponent that the verifier takes.
const RSA_MODULUS: RangeInclusive<usize> = 2_048..=8_192;
const RSA_EXPONENT: RangeInclusive<usize> = 2..=33;

/// A key to verify with, for tokens of one form and by one algorithm alone.
#[derive(Debug)]
pub(crate) enum Material {
    Jwt(JwtAlgorithm, DecodingKey),
    Paseto(AsymmetricPublicKey<V4>),
}

impl Material {
    /// That of a shared secret, which was checked.
    pub(crate) fn secret(secret: &[u8]) -> Self {
        Self::Jwt(JwtAlgorithm::HS256, DecodingKey::from_secret(secret))
    }

    /// That of a public key; none if it has not the size or curve that the algorithm needs.
    pub(crate) fn public(algorithm: Algorithm, key: DecodingKey) -> Option<Self> {
        let bytes = key.try_get_as_bytes().ok()?;
        let fits = match algorithm {
            Algorithm::HS256 => false,
            Algorithm::RS256 => bytes.len() >= RSA_DER_MINIMUM,
            Algorithm::ES256 => bytes.len() == 65 && bytes.first() == Some(&4),
            Algorithm::EdDSA | Algorithm::V4Public => bytes.len() == 32,
        };
        match algorithm.of_jwt() {
            _ if !fits => None,
            Some(library) => Some(Self::Jwt(library, key)),
            None => AsymmetricPublicKey::from(bytes).ok().map(Self::Paseto),
        }
    }

    /// That of an RSA modulus and exponent in base64url; none if they have not the size that the algorithm needs.
    pub(crate) fn rsa(modulus: &str, exponent: &str) -> Option<Self> {
        let number = |text: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            Some(bytes[zeros..].to_vec())
        };
        let (modulus, exponent) = (number(modulus)?, number(exponent)?);
        // The verifier would refuse every token of another key, and nobody would learn why.
        let fits = |number: &[u8], bits: RangeInclusive<usize>| {
            let zeros = number.first().map_or(0, |first| first.leading_zeros() as usize);
            let is_odd = number.last().is_some_and(|last| last % 2 == 1);
            is_odd && bits.contains(&(8 * number.len() - zeros))
        };
        (fits(&modulus, RSA_MODULUS) && fits(&exponent, RSA_EXPONENT)).then(|| {
            Self::Jwt(JwtAlgorithm::RS256, DecodingKey::from_rsa_raw_components(&modulus, &exponent))
        })
    }

    /// Whether it has signed this token. The libraries' checks of claims are not used: they pass over an `iss`, `aud` or
    /// `nbf` of the wrong type.
    pub(crate) fn check(&self, token: &Token<'_>) -> Result<(), Refusal> {
        match (self, &token.parts) {
            // The algorithm given here is the key's own, and the library refuses a key of another family.
            (Self::Jwt(algorithm, key), Parts::Jwt { message, signature, .. }) => {
                match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, *algorithm) {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(Refusal::BadSignature),
                    Err(_) => Err(Refusal::Malformed),
                }
            }
            (Self::Paseto(key), Parts::Paseto(token)) => {
                PublicToken::verify(key, token, None, None).map(drop).map_err(|_| Refusal::BadSignature)
            }
            _ => Err(Refusal::WrongAlgorithm),
        }
    }
}

/// The bytes of a secret's file, without one line break at the end.
pub(crate) fn read_secret(path: &Path) -> io::Result<Vec<u8>> {
    let mut secret = std::fs::read(path)?;
    if secret.last() == Some(&b'\n') {
        secret.pop();
        if secret.last() == Some(&b'\r') {
            secret.pop();
        }
    }
    Ok(secret)
}

pub(crate) fn check_secret(secret: &[u8]) -> Result<(), KeyProblem> {
    // A public key as a secret is a secret that everybody has.
    if label(secret).is_some() {
        return Err(KeyProblem::SecretIsPem);
    }
    if secret.len() < SECRET_MINIMUM {
        return Err(KeyProblem::ShortSecret(secret.len()));
    }
    Ok(())
}

/// The public key in a PEM. The algorithm is not HS256.
pub(crate) fn public_key(algorithm: Algorithm, pem: &[u8], origin: &str) -> Result<Material, KeyProblem> {
    let expected = match algorithm {
        Algorithm::RS256 => "an RSA public key of at least 2,048 bits (-----BEGIN PUBLIC KEY-----)",
        Algorithm::ES256 => "a P-256 public key (-----BEGIN PUBLIC KEY-----)",
        Algorithm::EdDSA | Algorithm::V4Public | Algorithm::HS256 => {
            "an Ed25519 public key (-----BEGIN PUBLIC KEY-----)"
        }
    };
    let wrong = |found| KeyProblem::WrongPem { origin: origin.to_owned(), found, expected };
    match label(pem) {
        Some("PUBLIC KEY" | "RSA PUBLIC KEY") => {}
        // The library would take the first octets of either for a public key.
        Some(label) if label.ends_with("PRIVATE KEY") => return Err(wrong("a private key")),
        Some("CERTIFICATE") => return Err(wrong("a certificate")),
        Some(_) => return Err(wrong("a PEM of another kind")),
        None => return Err(wrong("no PEM")),
    }
    let key = match algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_pem(pem),
        Algorithm::ES256 => DecodingKey::from_ec_pem(pem),
        Algorithm::EdDSA | Algorithm::V4Public | Algorithm::HS256 => DecodingKey::from_ed_pem(pem),
    }
    .map_err(|_| wrong("another kind of public key, or a broken one"))?;
    Material::public(algorithm, key).ok_or_else(|| wrong("a public key of another size or curve"))
}

/// The private key in a PEM, proven by signing with it. The algorithm is not HS256.
pub(crate) fn private_key(algorithm: JwtAlgorithm, pem: &[u8]) -> Result<EncodingKey, KeyProblem> {
    let expected = match algorithm {
        JwtAlgorithm::RS256 => "an RSA private key of at least 2,048 bits (-----BEGIN PRIVATE KEY-----)",
        JwtAlgorithm::ES256 => "a P-256 private key in PKCS#8 (-----BEGIN PRIVATE KEY-----)",
        _ => "an Ed25519 private key in PKCS#8 (-----BEGIN PRIVATE KEY-----)",
    };
    let wrong = |found| KeyProblem::WrongPem { origin: "the PEM".to_owned(), found, expected };
    match label(pem) {
        Some("PRIVATE KEY" | "RSA PRIVATE KEY") => {}
        Some("EC PRIVATE KEY") => {
            return Err(wrong("a private key in SEC1 (convert it: openssl pkcs8 -topk8 -nocrypt)"));
        }
        Some("ENCRYPTED PRIVATE KEY") => return Err(wrong("an encrypted private key")),
        Some(label) if label.ends_with("PUBLIC KEY") => return Err(wrong("a public key")),
        Some(_) => return Err(wrong("a PEM of another kind")),
        None => return Err(wrong("no PEM")),
    }
    let key = match algorithm {
        JwtAlgorithm::RS256 => EncodingKey::from_rsa_pem(pem),
        JwtAlgorithm::ES256 => EncodingKey::from_ec_pem(pem),
        _ => EncodingKey::from_ed_pem(pem),
    }
    .map_err(|_| wrong("another kind of private key, or a broken one"))?;
    jsonwebtoken::crypto::sign(b"", &key, algorithm)
        .map_err(|_| wrong("a private key of another size or curve, or a broken one"))?;
    Ok(key)
}

/// The label of the first PEM block.
fn label(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    rest.split_once("-----").map(|(label, _)| label)
}
