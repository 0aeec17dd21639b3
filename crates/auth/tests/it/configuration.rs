//! What an operator can get wrong, and whether the error tells the key, the file and the remedy.

use std::time::Duration;

use crate::forge::{Pair, SECRET, secret_key, settings};
use auth::{Algorithm, Claims, Error, KeySettings, Settings, Signer, Verifier};
use serde_json::{Value, json};

fn check(settings: &Settings, expected: &[&str]) {
    let error = Verifier::new(settings).expect_err("must be refused").to_string();
    for part in expected {
        assert!(error.contains(part), "{error:?} does not say {part:?}");
    }
    assert!(!error.contains("thirty-two"), "the error shows the secret: {error}");
}

fn check_key(key: KeySettings, expected: &[&str]) {
    check(&Settings { keys: vec![key], ..Settings::default() }, expected);
}

#[test]
fn a_required_token_needs_a_key() {
    check(&Settings::default(), &["auth.keys is empty", "auth.required"]);
    assert!(Verifier::new(&Settings { required: false, ..Settings::default() }).is_ok());
    let verifier = Verifier::beside_certificates(&Settings::default()).unwrap();
    assert_eq!(verifier.anonymous(), None);
}

#[test]
fn a_secret_that_can_be_guessed_is_refused() {
    let key = KeySettings { secret: Some("x".repeat(31)), ..secret_key(Some("main")) };
    check_key(key, &["auth.keys[0] \"main\"", "HS256", "31 bytes", "at least 32"]);
    assert!(Signer::hs256(&[7; 31], None).is_err());
    assert!(Signer::hs256(&[7; 32], None).is_ok());
}

#[test]
fn a_public_key_is_no_secret() {
    let pair = Pair::generate(Algorithm::RS256);
    let key = KeySettings { secret: Some(pair.public.clone()), ..KeySettings::default() };
    check_key(key, &["auth.keys[0] (HS256)", "is a PEM", "public_key"]);
    assert!(Signer::hs256(pair.public.as_bytes(), None).is_err());
}

#[test]
fn a_key_has_exactly_one_source_and_it_fits_the_algorithm() {
    let pair = Pair::generate(Algorithm::ES256);
    check_key(KeySettings::default(), &["auth.keys[0]", "set secret or secret_file"]);
    let algorithm = Algorithm::ES256;
    check_key(
        KeySettings { algorithm, ..KeySettings::default() },
        &["ES256", "set public_key or public_key_file"],
    );
    let both = KeySettings { secret_file: Some("x".into()), ..secret_key(None) };
    check_key(both, &["only one of secret or secret_file"]);
    let both = KeySettings { public_key_file: Some("x".into()), ..pair.settings(None) };
    check_key(both, &["only one of public_key or public_key_file"]);
    check_key(KeySettings { algorithm, ..secret_key(None) }, &["secret does not fit", "set public_key"]);
    let key = KeySettings { algorithm: Algorithm::HS256, ..pair.settings(None) };
    check_key(key, &["public_key does not fit", "set secret or secret_file"]);
}

#[test]
fn files_are_read_and_named_where_they_can_not_be() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = (folder.path().join("secret"), folder.path().join("public.pem"));
    let pair = Pair::generate(Algorithm::EdDSA);
    let hs = KeySettings { secret_file: Some(secret.clone()), ..KeySettings::default() };
    let ed = KeySettings {
        algorithm: Algorithm::EdDSA,
        public_key_file: Some(public.clone()),
        ..KeySettings::default()
    };
    check_key(hs.clone(), &["auth.keys[0]", "can't read", &secret.display().to_string()]);
    check_key(ed.clone(), &["auth.keys[0]", "can't read", &public.display().to_string()]);
    assert!(matches!(auth::read_secret(&secret), Err(Error::Unreadable { path, .. }) if path == secret));

    std::fs::write(&public, &pair.public).unwrap();
    let ed_signer = Signer::from_pem(Algorithm::EdDSA, pair.private.as_bytes(), None).unwrap();
    let hs_signer = Signer::hs256(SECRET.as_bytes(), None).unwrap();
    for text in [SECRET.to_owned(), format!("{SECRET}\n"), format!("{SECRET}\r\n")] {
        std::fs::write(&secret, text).unwrap();
        assert_eq!(auth::read_secret(&secret).unwrap(), SECRET.as_bytes());
        let keys = vec![hs.clone(), ed.clone()];
        let verifier = Verifier::new(&Settings { keys, ..Settings::default() }).unwrap();
        for signer in [&ed_signer, &hs_signer] {
            assert!(verifier.verify(&signer.mint(&Claims::new("acme", "bot")).unwrap()).is_ok());
        }
    }
    std::fs::write(&secret, "short\n").unwrap();
    check_key(hs, &["5 bytes"]);
    std::fs::write(&public, "nothing").unwrap();
    check_key(ed, &["holds no PEM", "Ed25519 public key", &public.display().to_string()]);
}

#[test]
fn a_pem_of_another_kind_is_told_from_the_right_one() {
    let pairs = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].map(Pair::generate);
    for pair in &pairs {
        let algorithm = pair.algorithm;
        let key = |pem: &str| KeySettings { public_key: Some(pem.to_owned()), ..pair.settings(Some("main")) };
        check_key(key(&pair.private), &["auth.keys[0] \"main\"", "public_key holds a private key"]);
        check_key(key(""), &["holds no PEM"]);
        check_key(key(&pair.public.replace("PUBLIC KEY", "CERTIFICATE")), &["holds a certificate"]);
        check_key(key(&pair.public.replace("PUBLIC KEY", "PGP")), &["a PEM of another kind"]);
        check_key(key(&pair.public[..pair.public.len() / 2]), &["a broken one"]);
        for other in pairs.iter().filter(|other| other.algorithm != algorithm) {
            check_key(key(&other.public), &[algorithm.name(), "another kind of public key"]);
            let error = Signer::from_pem(algorithm, other.private.as_bytes(), None).unwrap_err().to_string();
            assert!(error.contains(algorithm.name()) && error.contains("private key"), "{error}");
        }
        let error = Signer::from_pem(algorithm, pair.public.as_bytes(), None).unwrap_err().to_string();
        assert!(error.contains("holds a public key"), "{error}");
    }
    let error =
        Signer::from_pem(Algorithm::HS256, pairs[0].private.as_bytes(), None).unwrap_err().to_string();
    assert!(error.contains("a secret"), "{error}");
}

#[test]
fn another_curve_is_not_p256() {
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let key = KeySettings {
        algorithm: Algorithm::ES256,
        public_key: Some(pair.public_key_pem()),
        ..KeySettings::default()
    };
    check_key(key, &["another size or curve", "P-256"]);
    assert!(Signer::from_pem(Algorithm::ES256, pair.serialize_pem().as_bytes(), None).is_err());
}

#[test]
fn an_rsa_key_of_1024_bits_is_refused() {
    let pem = "-----BEGIN PUBLIC KEY-----\n\
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDdlatRjRjogo3WojgGHFHYLugd\n\
        UWAY9iR3fy4arWNA1KoS8kVw33cJibXr8bvwUAUparCwlvdbH6dvEOfou0/gCFQs\n\
        HUfQrSDv+MuSUMAe8jzKE4qW+jK+xQU9a03GUnKHkkle+Q0pX/g6jXZ7r1/xAK5D\n\
        o2kQ+X5xK9cipRgEKwIDAQAB\n\
        -----END PUBLIC KEY-----\n";
    let algorithm = Algorithm::RS256;
    let key = KeySettings { algorithm, public_key: Some(pem.to_owned()), ..KeySettings::default() };
    check_key(key, &["another size", "at least 2,048 bits"]);
}

#[test]
fn every_key_can_be_chosen() {
    let keys =
        |ids: [Option<&str>; 2]| Settings { keys: ids.map(secret_key).to_vec(), ..Settings::default() };
    check(&keys([Some("a"), Some("a")]), &["auth.keys[0] \"a\"", "the same id"]);
    check(&keys([None, None]), &["auth.keys[0]", "needs an id"]);
    check(&keys([Some("a"), None]), &["auth.keys[1]", "needs an id"]);
    check(&keys([Some("a"), Some("")]), &["auth.keys[1]", "1 to 256 bytes"]);
    assert!(Verifier::new(&keys([Some("a"), Some("b")])).is_ok());
}

#[test]
fn settings_that_can_not_work_are_refused() {
    check(&Settings { leeway_s: 86_401, ..settings() }, &["auth.leeway_s", "86400"]);
    check(&Settings { max_token_bytes: 0, ..settings() }, &["auth.max_token_bytes"]);
    check(&Settings { tenant_claim: String::new(), ..settings() }, &["auth.tenant_claim"]);
    check(&Settings { scopes_claim: String::new(), ..settings() }, &["auth.scopes_claim"]);
    check(&Settings { issuer: Some(String::new()), ..settings() }, &["auth.issuer"]);
    check(&Settings { audience: Some(String::new()), ..settings() }, &["auth.audience"]);
}

#[test]
fn settings_are_parsed_with_their_defaults() {
    let parsed: Settings = serde_json::from_value(json!({})).unwrap();
    assert_eq!(parsed, Settings::default());
    assert!(parsed.required);
    assert_eq!((parsed.leeway_s, parsed.max_token_bytes, parsed.grace_s), (60, 8192, 30));
    let key = json!({"id": "a", "algorithm": "EdDSA", "public_key_file": "ed.pem"});
    let parsed: Settings = serde_json::from_value(json!({"audience": "gateway", "keys": [key]})).unwrap();
    assert_eq!(parsed.audience.as_deref(), Some("gateway"));
    assert_eq!(parsed.keys[0].algorithm, Algorithm::EdDSA);
    let wrong: [Value; 6] = [
        json!({"require": true}),
        json!({"keys": [{"kid": "a"}]}),
        json!({"keys": [{"algorithm": "none"}]}),
        json!({"keys": [{"algorithm": "hs256"}]}),
        json!({"keys": [{"algorithm": "HS512"}]}),
        json!({"leeway_s": -1}),
    ];
    for settings in wrong {
        assert!(serde_json::from_value::<Settings>(settings.clone()).is_err(), "{settings}");
    }
}

#[test]
fn nothing_is_minted_that_the_verifier_would_refuse() {
    let signer = Signer::hs256(SECRET.as_bytes(), None).unwrap();
    let refused = |claims: Claims, expected: &str| {
        let error = signer.mint(&claims).expect_err("must be refused").to_string();
        assert!(error.contains(expected), "{error}");
    };
    let right = Claims::new("acme", "bot");
    assert!(signer.mint(&right).is_ok());
    refused(Claims::new("", "bot"), "the tenant must");
    refused(Claims::new("acme", "a\nb"), "the agent must");
    refused(Claims { token_id: Some("x".repeat(129)), ..right.clone() }, "the token id must");
    refused(Claims { scopes: vec!["a b".to_owned()], ..right.clone() }, "a scope must");
    refused(Claims { ttl: Duration::from_millis(999), ..right.clone() }, "at least a second");
    refused(Claims { ttl: Duration::MAX, ..right.clone() }, "the year 10000");
    refused(Claims { not_before: Some(u64::MAX), ..right }, "the year 10000");
}
