//! Several issuers side by side: whose keys and whose rules a token is held to, and what operators can get wrong.

use crate::forge::{Pair, claims, encode, secret_key, settings, sign, sign_with, verifier, with};
use auth::{Algorithm, IssuerSettings, KeySettings, Refusal, Settings, Verifier, is_trustworthy};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};
use std::time::Duration;

fn issuer(name: &str, keys: Vec<KeySettings>) -> IssuerSettings {
    IssuerSettings { issuer: name.to_owned(), keys, ..IssuerSettings::default() }
}

fn signed(pair: &Pair, kid: Option<&str>, claims: &Value) -> String {
    let header = with(json!({"alg": pair.algorithm.name()}), "kid", json!(kid));
    let (algorithm, key) = match pair.algorithm {
        Algorithm::RS256 => {
            (jsonwebtoken::Algorithm::RS256, EncodingKey::from_rsa_pem(pair.private.as_bytes()))
        }
        Algorithm::ES256 => {
            (jsonwebtoken::Algorithm::ES256, EncodingKey::from_ec_pem(pair.private.as_bytes()))
        }
        Algorithm::EdDSA => {
            (jsonwebtoken::Algorithm::EdDSA, EncodingKey::from_ed_pem(pair.private.as_bytes()))
        }
        other => panic!("{other} has no pair of this form"),
    };
    sign_with(&header.to_string(), &claims.to_string(), algorithm, &key.expect("the key is right"))
}

fn from(name: &str) -> Value {
    with(claims(), "iss", json!(name))
}

fn told(issuer: IssuerSettings) -> String {
    let settings = Settings { issuers: vec![issuer], ..settings() };
    Verifier::new(&settings).expect_err("must be refused").to_string()
}

#[test]
fn a_key_opens_nothing_for_the_name_of_another_issuer() {
    let [a, b] = [Pair::generate(Algorithm::ES256), Pair::generate(Algorithm::ES256)];
    for kids in [["a", "b"], ["same", "same"]] {
        let [kid_a, kid_b] = kids.map(Some);
        let issuers = vec![issuer("A", vec![a.settings(kid_a)]), issuer("B", vec![b.settings(kid_b)])];
        let verifier = verifier(&Settings { issuers, ..settings() });
        assert!(verifier.verify(&signed(&a, kid_a, &from("A"))).is_ok());
        assert!(verifier.verify(&signed(&b, kid_b, &from("B"))).is_ok());
        let refused = |token: &str| {
            matches!(
                verifier.verify(token),
                Err(Refusal::UnknownKey | Refusal::BadSignature | Refusal::WrongAlgorithm)
            )
        };
        assert!(refused(&signed(&a, kid_a, &from("B"))) && refused(&signed(&a, kid_b, &from("B"))));
        // Nor for a name that nobody has, for none, nor for one that is no text.
        for iss in [json!("C"), json!(null), json!(["A"]), json!("a")] {
            assert!(refused(&signed(&a, kid_a, &with(claims(), "iss", iss))));
        }
        // The keys beside the list sign for none of it.
        let own = json!({"alg": "HS256"});
        assert!(verifier.verify(&sign(&own, &claims())).is_ok());
        assert!(refused(&sign(&own, &from("A"))));
    }
}

#[test]
fn a_name_that_stands_twice_is_no_way_around_the_rules() {
    let pair = Pair::generate(Algorithm::EdDSA);
    let verifier =
        verifier(&Settings { issuers: vec![issuer("A", vec![pair.settings(None)])], ..settings() });
    let key = EncodingKey::from_ed_pem(pair.private.as_bytes()).unwrap();
    for iss in [r#""iss":"B","iss":"A","#, r#""iss":"A","iss":"B","#] {
        let payload = claims().to_string().replacen('{', &format!("{{{iss}"), 1);
        let token = sign_with(r#"{"alg":"EdDSA"}"#, &payload, jsonwebtoken::Algorithm::EdDSA, &key);
        assert!(verifier.verify(&token).is_err(), "{payload}");
    }
    // The same name in another spelling of JSON is the same name.
    let payload = claims().to_string().replacen('{', r#"{"iss":"\u0041","#, 1);
    let token = sign_with(r#"{"alg":"EdDSA"}"#, &payload, jsonwebtoken::Algorithm::EdDSA, &key);
    assert!(verifier.verify(&token).is_ok());
}

#[test]
fn each_issuer_has_rules_of_its_own() {
    let pair = Pair::generate(Algorithm::EdDSA);
    let one = IssuerSettings {
        audience: Some("us".to_owned()),
        tenants: vec!["acme".to_owned()],
        agent_claim: "client".to_owned(),
        scopes_claim: "scp".to_owned(),
        ..issuer("A", vec![pair.settings(None)])
    };
    let verifier = verifier(&Settings { issuers: vec![one], ..settings() });
    let verify = |claims: &Value| verifier.verify(&signed(&pair, None, claims));
    let right = with(with(with(from("A"), "aud", json!("us")), "client", json!("c")), "scp", json!("x y"));
    let identity = verify(&right).unwrap();
    assert_eq!((identity.tenant(), identity.agent()), ("acme", "c"));
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(verify(&with(right.clone(), "aud", Value::Null)), Err(Refusal::WrongAudience));
    assert_eq!(verify(&with(right.clone(), "tenant", json!("evil"))), Err(Refusal::BadClaim("tenant")));
    assert_eq!(verify(&with(right, "client", Value::Null)), Err(Refusal::BadClaim("sub")));
}

#[test]
fn of_a_published_set_only_keys_to_verify_with_are_taken() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let x = encode([7; 32]);
    let good = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": x});
    let write = |keys: Value| std::fs::write(file.path(), json!({"keys": keys}).to_string()).unwrap();
    let published = || IssuerSettings {
        issuer: "A".to_owned(),
        jwks_file: Some(file.path().to_owned()),
        ..IssuerSettings::default()
    };
    let useless = [
        with(good.clone(), "use", json!("enc")),
        with(good.clone(), "key_ops", json!(["sign"])),
        with(good.clone(), "alg", json!("HS256")),
        with(good.clone(), "crv", json!("X25519")),
        with(good.clone(), "x", json!("AAAA")),
        with(good.clone(), "x", Value::Null),
        with(good.clone(), "kid", json!("")),
        json!({"kty": "oct", "kid": "a", "k": encode([7; 32])}),
        json!({"kty": "RSA", "kid": "a", "n": encode([0xff; 128]), "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-256", "kid": "a", "x": "AA", "y": "AA"}),
        json!({"kty": 1}),
        json!("key"),
    ];
    for one in &useless {
        write(json!([one]));
        assert!(told(published()).contains("no key for an accepted algorithm"), "{one}");
    }
    // Beside a good one none of them does harm.
    write([&useless[..], std::slice::from_ref(&good)].concat().into());
    let verifier = verifier(&Settings { issuers: vec![published()], ..Settings::default() });
    let source = verifier.sources().next().unwrap();
    let install = |keys: Value| source.install(json!({"keys": keys}).to_string().as_bytes());
    assert_eq!(install(json!([good, with(good.clone(), "kid", json!("b"))])).unwrap(), 2);
    let error = install(json!([good, good])).unwrap_err().to_string();
    assert!(error.contains("\"A\"") && error.contains("two keys with the id \"a\""), "{error}");
    assert!(install(vec![good; 129].into()).unwrap_err().to_string().contains("more than 128"));
    let narrow = IssuerSettings { algorithms: vec![Algorithm::RS256], ..published() };
    assert!(told(narrow).contains("no key for an accepted algorithm"));
}

/// The public half of an RSA pair of 2,048 bits, as a provider publishes it, with this exponent.
fn rsa_jwk(pair: &Pair, zeros: usize, e: &[u8]) -> Value {
    let der = rcgen::KeyPair::from_pem(&pair.private).expect("the pair is right").public_key_raw().to_vec();
    // A sequence of the modulus, behind nine bytes of heads and sign, and the exponent.
    let n = [&vec![0; zeros][..], &der[9..265]].concat();
    json!({"kty": "RSA", "use": "sig", "kid": "r", "n": encode(n), "e": encode(e)})
}

#[test]
fn an_rsa_key_of_a_published_set_verifies() {
    const EXPONENT: [u8; 3] = [1, 0, 1];
    let pair = Pair::generate(Algorithm::RS256);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let set = |jwk: Value| json!({"keys": [jwk]}).to_string();
    std::fs::write(file.path(), set(rsa_jwk(&pair, 0, &EXPONENT))).expect("the file is ours");
    let published = IssuerSettings { jwks_file: Some(file.path().to_owned()), ..issuer("A", Vec::new()) };
    let verifier = verifier(&Settings { issuers: vec![published], ..Settings::default() });
    let source = verifier.sources().next().expect("one issuer publishes its keys");
    let token = signed(&pair, Some("r"), &from("A"));
    assert!(verifier.verify(&token).is_ok());
    let other = signed(&Pair::generate(Algorithm::RS256), Some("r"), &from("A"));
    assert_eq!(verifier.verify(&other), Err(Refusal::BadSignature));
    // Some write the sign of the number too.
    source.install(set(rsa_jwk(&pair, 1, &EXPONENT)).as_bytes()).expect("it is a key");
    assert!(verifier.verify(&token).is_ok());
    for e in [&[][..], &[0], &[1], &[2], &[1, 0, 0, 0, 0, 1]] {
        assert!(source.install(set(rsa_jwk(&pair, 0, e)).as_bytes()).is_err(), "{e:?}");
    }
    for alg in ["RS384", "PS256", "RSA-OAEP"] {
        let jwk = with(rsa_jwk(&pair, 0, &EXPONENT), "alg", json!(alg));
        assert!(source.install(set(jwk).as_bytes()).is_err(), "{alg}");
    }
}

#[test]
fn mistakes_are_told_with_the_issuer_and_the_setting() {
    let check = |issuer: IssuerSettings, expected: &str| {
        let error = told(issuer);
        assert!(error.starts_with("auth.issuers[0]") && error.contains(expected), "{error:?}: {expected:?}");
    };
    let base = || issuer("https://a", vec![secret_key(None)]);
    check(issuer("A", Vec::new()), "keys must be alone");
    check(IssuerSettings { discover: true, ..base() }, "discover must be alone");
    check(
        IssuerSettings { jwks_url: Some("http://a/keys".to_owned()), keys: Vec::new(), ..base() },
        "jwks_url",
    );
    check(IssuerSettings { issuer: String::new(), ..base() }, "issuer must not be empty");
    let discover = || IssuerSettings { discover: true, ..issuer("https://a", Vec::new()) };
    check(IssuerSettings { issuer: "A".to_owned(), ..discover() }, "issuer must be an address");
    check(IssuerSettings { issuer: "https://a?b".to_owned(), ..discover() }, "no query");
    check(IssuerSettings { algorithms: vec![Algorithm::HS256], ..discover() }, "neither HS256 nor v4.public");
    check(IssuerSettings { algorithms: vec![Algorithm::RS256], ..base() }, "algorithm of each of its keys");
    check(IssuerSettings { max_refresh_ms: 1, ..base() }, "at least min_refresh_ms");
    check(IssuerSettings { tenant_claim: String::new(), ..base() }, "tenant_claim must name");
    let missing = IssuerSettings { jwks_file: Some("/does/not/exist".into()), ..issuer("A", Vec::new()) };
    assert!(told(missing).contains("/does/not/exist"));
    let twice = Settings { issuers: vec![base(), base()], ..settings() };
    assert!(Verifier::new(&twice).unwrap_err().to_string().contains("auth.issuers[1]"));
}

#[test]
fn keys_come_only_from_where_nobody_stands_in_between() {
    for right in
        ["https://a", "https://a:8443/b?c", "http://127.0.0.1:1/x", "http://localhost/x", "http://[::1]:2"]
    {
        assert!(is_trustworthy(right), "{right}");
    }
    for wrong in [
        "",
        "a",
        "https://",
        "https:///x",
        "ftp://a",
        "http://a",
        "http://127.0.0.1.evil.com",
        "http://localhost@evil.com",
        "https://user@a",
        "http://127.0.0.1:1@evil.com/",
        "https://a\\b",
        "https://a b",
        "HTTPS://a",
        "http://10.0.0.1",
    ] {
        assert!(!is_trustworthy(wrong), "{wrong}");
    }
}

/// A verifier with the published keys of one issuer, the first of them there, and a set of both.
fn rotating(key_wait_ms: u64) -> (Verifier, String, Vec<u8>) {
    let [old, new] = [Pair::generate(Algorithm::EdDSA), Pair::generate(Algorithm::EdDSA)];
    let jwk = |pair: &Pair, kid: &str| {
        let raw =
            rcgen::KeyPair::from_pem(&pair.private).expect("the pair is right").public_key_raw().to_vec();
        json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(raw)})
    };
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), json!({"keys": [jwk(&old, "old")]}).to_string()).expect("the file is ours");
    let published = IssuerSettings { jwks_file: Some(file.path().to_owned()), ..issuer("A", Vec::new()) };
    let verifier = verifier(&Settings { issuers: vec![published], key_wait_ms, ..Settings::default() });
    assert!(verifier.verify(&signed(&old, Some("old"), &from("A"))).is_ok());
    let both = json!({"keys": [jwk(&old, "old"), jwk(&new, "new")]}).to_string();
    (verifier, signed(&new, Some("new"), &from("A")), both.into())
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_there_yet_is_asked_for_and_awaited() {
    let (verifier, token, both) = rotating(60_000);
    let source = verifier.sources().next().unwrap();
    let bring = async {
        source.until_due(Duration::ZERO, Duration::from_secs(3_600)).await;
        source.install(&both).unwrap();
        source.until_due(Duration::from_secs(3_600), Duration::from_secs(3_600)).await;
    };
    let ask = async {
        // The rest of no time ends before.
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(verifier.verify_patiently(&token).await.is_ok());
        // Now it rests, and whoever asks for another key is told at once.
        let stranger = Pair::generate(Algorithm::EdDSA);
        let unknown = signed(&stranger, Some("third"), &from("A"));
        assert_eq!(verifier.verify_patiently(&unknown).await, Err(Refusal::UnknownKey));
    };
    tokio::select! {
        biased;
        () = bring => panic!("an attempt within the rest"),
        done = tokio::time::timeout(Duration::from_secs(30), ask) => done.expect("nobody waits in vain"),
    }
}

#[tokio::test]
async fn a_key_that_nobody_brings_is_not_awaited_for_longer_than_allowed() {
    let (verifier, token, _) = rotating(30);
    let began = std::time::Instant::now();
    assert_eq!(verifier.verify_patiently(&token).await, Err(Refusal::UnknownKey));
    assert!(began.elapsed() >= Duration::from_millis(30));
    assert_eq!(verifier.verify(&token), Err(Refusal::UnknownKey), "and never on the way of a message");
}

#[test]
fn ed25519_is_known_by_both_of_its_names() {
    let pair = Pair::generate(Algorithm::EdDSA);
    let verifier = verifier(&Settings {
        issuers: vec![issuer("A", vec![pair.settings(Some("a"))])],
        keys: vec![Pair::generate(Algorithm::ES256).settings(Some("b"))],
        ..Settings::default()
    });
    let key = EncodingKey::from_ed_pem(pair.private.as_bytes()).unwrap();
    let named = |name: &str, kid: &str| {
        let header = json!({"alg": name, "kid": kid}).to_string();
        sign_with(&header, &from("A").to_string(), jsonwebtoken::Algorithm::EdDSA, &key)
    };
    for name in ["EdDSA", "Ed25519"] {
        assert!(verifier.verify(&named(name, "a")).is_ok(), "{name}");
    }
    // No other curve, and no other spelling.
    for name in ["Ed448", "ed25519", "EDDSA"] {
        assert_eq!(verifier.verify(&named(name, "a")), Err(Refusal::WrongAlgorithm), "{name}");
    }
    let other = with(claims(), "iss", json!(null)).to_string();
    let header = json!({"alg": "Ed25519", "kid": "b"}).to_string();
    let token = sign_with(&header, &other, jsonwebtoken::Algorithm::EdDSA, &key);
    assert_eq!(verifier.verify(&token), Err(Refusal::WrongAlgorithm), "a key has one algorithm");
}

#[test]
fn an_algorithm_that_an_issuer_may_not_use_is_told_from_an_unknown_key() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let pair = Pair::generate(Algorithm::EdDSA);
    let raw = rcgen::KeyPair::from_pem(&pair.private).expect("the pair is right").public_key_raw().to_vec();
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": encode(raw)});
    std::fs::write(file.path(), json!({"keys": [jwk]}).to_string()).expect("the file is ours");
    let published = IssuerSettings {
        jwks_file: Some(file.path().to_owned()),
        algorithms: vec![Algorithm::EdDSA],
        ..issuer("A", Vec::new())
    };
    let verifier = verifier(&Settings { issuers: vec![published], ..Settings::default() });
    let stranger = Pair::generate(Algorithm::ES256);
    assert!(verifier.verify(&signed(&pair, Some("a"), &from("A"))).is_ok());
    for kid in [Some("a"), Some("b"), None] {
        let token = signed(&stranger, kid, &from("A"));
        assert_eq!(verifier.verify(&token), Err(Refusal::WrongAlgorithm), "{kid:?}");
    }
    assert_eq!(verifier.verify(&signed(&pair, Some("b"), &from("A"))), Err(Refusal::UnknownKey));
}
