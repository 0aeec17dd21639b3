//! Who somebody says to be: tokens, keys, certificates.

use std::sync::LazyLock;

use auth::{
    Algorithm, CertificateRule, CertificateRules, IssuerSettings, KeySettings, Refusal, Settings, Verifier,
    certificate_expiry,
};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::EncodingKey;
use serde_json::Value;

/// What the tokens among the seeds are signed with. It guards nothing.
const SECRET: &str = "a secret of at least thirty-two bytes";

/// Where the keys of the one issuer are, which nobody fetches here.
const ISSUER: &str = "https://login.example.com";

/// The public half of a pair whose private one nobody has kept.
const ED25519: &str = "-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAHkxCWnZjnet9idWCl4mrgRDEdLUkQZeWyfZ/CRwdvaE=
-----END PUBLIC KEY-----
";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let key = |id: &str| KeySettings { id: Some(id.to_owned()), ..KeySettings::default() };
    let public = Some(ED25519.to_owned());
    let file = tempfile::NamedTempFile::new().expect("the system has a folder for temporary files");
    std::fs::write(file.path(), "[]").expect("the file is ours");
    let settings = Settings {
        keys: vec![
            KeySettings { secret: Some(SECRET.to_owned()), ..key("hs") },
            KeySettings { algorithm: Algorithm::EdDSA, public_key: public.clone(), ..key("ed") },
            KeySettings { algorithm: Algorithm::V4Public, public_key: public, ..key("v4") },
        ],
        issuers: vec![IssuerSettings {
            issuer: ISSUER.to_owned(),
            jwks_url: Some(format!("{ISSUER}/keys")),
            ..IssuerSettings::default()
        }],
        api_keys_file: Some(file.path().to_owned()),
        ..Settings::default()
    };
    Verifier::new(&settings).expect("the settings are right")
});

/// No text opens the door but those that were signed, and no refusal says anything of what was sent.
pub(crate) fn tokens(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match VERIFIER.verify(text) {
        Ok(identity) => assert_eq!((identity.tenant(), identity.agent()), ("acme", "bot")),
        Err(refusal) => check_words(refusal),
    }
}

/// What a store gives back for a ticket is an identity that was written for one, or nobody, and no panic.
pub(crate) fn tickets(input: &[u8]) {
    match VERIFIER.redeem(input) {
        Ok(identity) => {
            assert!(!identity.tenant().is_empty() && !identity.agent().is_empty());
            let again = VERIFIER.redeem(&identity.to_ticket());
            assert_eq!(again.as_ref(), Ok(&identity));
        }
        Err(refusal) => check_words(refusal),
    }
}

/// Of what was rightly signed, only what keeps every rule becomes an identity, and one that says the same. The first line is
/// a header, the rest are claims.
pub(crate) fn claims(input: &[u8]) {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, claims) = (&input[..line], input.get(line + 1..).unwrap_or_default());
    let encoded = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, jsonwebtoken::Algorithm::HS256);
    let signature = signature.expect("a secret signs everything");
    match VERIFIER.verify(&format!("{message}.{signature}")) {
        Ok(identity) => {
            let value = |part| serde_json::from_slice::<Value>(part).expect("what was accepted is JSON");
            let (header, claims) = (value(header), value(claims));
            assert_eq!(header["alg"], "HS256");
            assert_eq!(header["kid"].as_str().unwrap_or("hs"), "hs");
            assert!(["crit", "jku", "jwk", "x5u", "x5c"].iter().all(|name| header.get(name).is_none()));
            assert_eq!(claims["sub"], identity.agent());
            assert_eq!(claims["tenant"], identity.tenant());
            assert_eq!(claims.get("aud"), None, "nobody here has an audience");
            assert!(claims["exp"].is_number() && identity.expires_at().is_some());
            assert!(!identity.tenant().chars().chain(identity.agent().chars()).any(char::is_control));
        }
        Err(refusal) => check_words(refusal),
    }
}

/// What goes into a header and a body is the same few words, whatever was sent.
fn check_words(refusal: Refusal) {
    let challenge = refusal.challenge();
    assert!(challenge.len() < 200 && challenge.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
}

/// A set is taken as a whole, with keys that verify, or not at all.
pub(crate) fn jwks(input: &[u8]) {
    let source = VERIFIER.sources().next().expect("one issuer publishes its keys");
    if let Ok(keys) = source.install(input) {
        assert!((1..=128).contains(&keys), "{keys} keys");
        let set: Value = serde_json::from_slice(input).expect("a set is JSON");
        assert!(set["keys"].as_array().is_some_and(|all| all.len() >= keys));
    }
}

/// A file of keys is taken as a whole or not at all, and a key that nobody was given opens nothing.
pub(crate) fn api_keys(input: &[u8]) {
    let keys = VERIFIER.api_keys().expect("there is a file");
    if let Ok(count) = keys.install(input) {
        assert!(count <= 10_000, "{count} keys");
    }
    let key = format!("mcpw_key_{}", String::from_utf8_lossy(input));
    assert!(VERIFIER.verify(&key).is_err());
}

/// Whoever shows a certificate is who one of its names says, in a form that every log can bear.
pub(crate) fn certificates(input: &[u8]) {
    static RULES: LazyLock<CertificateRules> = LazyLock::new(|| {
        let rule = |san: &str| CertificateRule {
            san: san.to_owned(),
            tenant: (!san.contains("{tenant}")).then(|| "acme".to_owned()),
            agent: None,
            scopes: vec!["tool.execute".to_owned()],
        };
        let rules = ["spiffe://example.com/{tenant}/{agent}", "{agent}.agents.example.com"].map(rule);
        CertificateRules::new(&rules).expect("the rules are right")
    });
    let _ = certificate_expiry(input);
    if let Some(identity) = RULES.identify(input) {
        for name in [identity.tenant(), identity.agent()] {
            assert!((1..=128).contains(&name.len()) && !name.contains(char::is_control), "{name:?}");
        }
    }
}
