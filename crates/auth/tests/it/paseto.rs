//! PASETO of `v4.public` beside JWTs: what gets in, and what does not.

use crate::forge::{self, Pair, encode, header, settings, sign, verifier, with};
use auth::{Algorithm, Identity, IssuerSettings, KeySettings, Refusal, Settings, Signer, Verifier};
use jiff::Timestamp;
use pasetors::keys::{AsymmetricKeyPair, AsymmetricSecretKey, Generate, SymmetricKey};
use pasetors::version4::{LocalToken, PublicToken, V4};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A pair, and its public half as a PEM.
struct Keys {
    secret: AsymmetricSecretKey<V4>,
    public: String,
}

impl Keys {
    fn fresh() -> Self {
        let pair = AsymmetricKeyPair::<V4>::generate().expect("the system has randomness");
        // RFC 8410 section 4: the head of every Ed25519 public key.
        let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let der = [&head[..], pair.public.as_bytes()].concat();
        let body = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, der);
        let public = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        Self { secret: pair.secret, public }
    }

    fn settings(&self, id: Option<&str>) -> KeySettings {
        KeySettings {
            id: id.map(str::to_owned),
            algorithm: Algorithm::V4Public,
            public_key: Some(self.public.clone()),
            ..KeySettings::default()
        }
    }

    fn sign(&self, kid: Option<&str>, claims: &Value) -> String {
        let footer = kid.map(|kid| json!({"kid": kid}).to_string());
        self.sign_text(footer.as_deref(), &claims.to_string())
    }

    fn sign_text(&self, footer: Option<&str>, payload: &str) -> String {
        let footer = footer.map(str::as_bytes);
        PublicToken::sign(&self.secret, payload.as_bytes(), footer, None).expect("the key signs")
    }
}

/// A moment so many seconds from now.
fn at(seconds: i64) -> String {
    let now = i64::try_from(forge::now()).expect("a clock of this age");
    Timestamp::from_second(now + seconds).expect("a moment of this age").to_string()
}

fn claims() -> Value {
    with(forge::claims(), "exp", json!(at(600)))
}

fn house(keys: &Keys, kid: Option<&str>) -> Verifier {
    verifier(&Settings { keys: vec![keys.settings(kid)], ..settings() })
}

/// What a gateway with this one key says of a token with these claims.
fn verify(claims: &Value) -> Result<Identity, Refusal> {
    static KEYS: LazyLock<(Keys, Verifier)> = LazyLock::new(|| {
        let keys = Keys::fresh();
        let verifier = house(&keys, Some("a"));
        (keys, verifier)
    });
    KEYS.1.verify(&KEYS.0.sign(Some("a"), claims))
}

#[test]
fn a_token_is_known_by_the_key_that_its_footer_names() {
    let [a, b] = [Keys::fresh(), Keys::fresh()];
    let keys = vec![a.settings(Some("a")), b.settings(Some("b"))];
    let verifier = verifier(&Settings { keys, ..settings() });
    let full = with(with(with(claims(), "jti", json!("id")), "nbf", json!(at(-5))), "iat", json!(at(-5)));
    let identity = verifier.verify(&a.sign(Some("a"), &full)).unwrap();
    assert_eq!((identity.tenant(), identity.agent()), ("acme", "bot"));
    assert_eq!(identity.token_id(), Some("id"));
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["tool.read"]);
    assert!((forge::now() + 590..=forge::now() + 600).contains(&identity.expires_at().unwrap()));
    assert!(verifier.verify(&b.sign(Some("b"), &full)).is_ok());
    assert_eq!(verifier.verify(&a.sign(Some("b"), &full)), Err(Refusal::BadSignature));
    assert_eq!(verifier.verify(&a.sign(Some("c"), &full)), Err(Refusal::UnknownKey));
    assert_eq!(verifier.verify(&a.sign(None, &full)), Err(Refusal::UnknownKey), "two keys could be meant");
    assert!(house(&a, None).verify(&a.sign(None, &full)).is_ok(), "one key of the algorithm needs no name");
}

#[test]
fn a_key_of_one_form_opens_nothing_for_the_other() {
    let keys = Keys::fresh();
    let pair = Pair::generate(Algorithm::EdDSA);
    let both = vec![keys.settings(Some("p")), pair.settings(Some("j"))];
    let verifier = verifier(&Settings { keys: both, ..settings() });
    // A PASETO that names the key of a JWT, and the other way around.
    assert_eq!(verifier.verify(&keys.sign(Some("j"), &claims())), Err(Refusal::WrongAlgorithm));
    let signer = Signer::from_pem(Algorithm::EdDSA, pair.private.as_bytes(), Some("p")).unwrap();
    let jwt = signer.mint(&auth::Claims::new("acme", "bot")).unwrap();
    assert_eq!(verifier.verify(&jwt), Err(Refusal::WrongAlgorithm));
    let named = with(with(header(), "alg", json!("v4.public")), "kid", json!("p"));
    assert_eq!(verifier.verify(&sign(&named, &forge::claims())), Err(Refusal::WrongAlgorithm));
    // The bytes of one dressed as the other.
    let token = keys.sign(None, &claims());
    let body = token.strip_prefix("v4.public.").unwrap();
    let dressed = format!("{}.{body}", encode(r#"{"alg":"EdDSA","kid":"p"}"#));
    assert!(verifier.verify(&dressed).is_err());
    assert!(matches!(
        Signer::from_pem(Algorithm::V4Public, pair.private.as_bytes(), None),
        Err(auth::Error::SigningKey { .. })
    ));
}

#[test]
fn other_versions_and_purposes_are_no_tokens() {
    let keys = Keys::fresh();
    let verifier = house(&keys, Some("a"));
    let token = keys.sign(Some("a"), &claims());
    assert!(verifier.verify(&token).is_ok());
    for prefix in
        ["v1.public.", "v2.public.", "v3.public.", "v5.public.", "V4.public.", "v4.PUBLIC.", "v4.local."]
    {
        let other = token.replacen("v4.public.", prefix, 1);
        assert_eq!(verifier.verify(&other), Err(Refusal::Malformed), "{prefix}");
    }
    let secret = SymmetricKey::<V4>::generate().unwrap();
    let local = LocalToken::encrypt(&secret, claims().to_string().as_bytes(), None, None).unwrap();
    assert_eq!(verifier.verify(&local), Err(Refusal::Malformed));
    for garbage in [
        "v4.public.",
        "v4.public..",
        "v4.public.AA",
        "v4.public.!",
        "v4.public.a.b.c",
        &format!("{token}."),
        &token[1..],
    ] {
        assert_eq!(verifier.verify(garbage), Err(Refusal::Malformed), "{garbage}");
    }
    let without_footer = keys.sign(None, &claims());
    assert_eq!(verifier.verify(&format!("{without_footer}.")), Err(Refusal::Malformed));
    let large = with(claims(), "padding", json!("x".repeat(8_192)));
    assert_eq!(verifier.verify(&keys.sign(Some("a"), &large)), Err(Refusal::TooLarge));
}

#[test]
fn a_footer_is_signed_and_says_no_more_than_a_name() {
    let keys = Keys::fresh();
    let verifier = house(&keys, Some("a"));
    let claims = claims().to_string();
    let check = |footer: &str, expected: Refusal| {
        assert_eq!(verifier.verify(&keys.sign_text(Some(footer), &claims)), Err(expected), "{footer}");
    };
    for malformed in ["a", "[]", "1", r#"{"kid":1}"#, r#"{"kid":null}"#, r#"{"kid":"b","kid":"a"}"#, "{"] {
        check(malformed, Refusal::Malformed);
    }
    check(r#"{"kid":"a","wpk":"k4.local-wrap.x"}"#, Refusal::EmbeddedKey);
    check(r#"{"kid":""}"#, Refusal::UnknownKey);
    // One that names none means the one key of its algorithm.
    assert!(verifier.verify(&keys.sign_text(Some("{}"), &claims)).is_ok());
}

#[test]
fn a_footer_is_that_of_its_own_token() {
    let keys = Keys::fresh();
    let verifier = house(&keys, Some("a"));
    let footer = |kid: &str| encode(json!({"kid": kid}).to_string());
    let of_another = keys.sign(Some("b"), &claims()).replace(&footer("b"), &footer("a"));
    assert_eq!(verifier.verify(&of_another), Err(Refusal::BadSignature));
    let without = keys.sign(None, &claims());
    assert_eq!(verifier.verify(&format!("{without}.{}", footer("a"))), Err(Refusal::BadSignature));
    let asserted = PublicToken::sign(
        &keys.secret,
        claims().to_string().as_bytes(),
        Some(json!({"kid": "a"}).to_string().as_bytes()),
        Some(b"said elsewhere"),
    );
    assert_eq!(verifier.verify(&asserted.unwrap()), Err(Refusal::BadSignature));
}

#[test]
fn times_are_texts() {
    let exp = |value: Value| verify(&with(claims(), "exp", value)).map(drop);
    assert_eq!(exp(json!(at(5))), Ok(()));
    assert_eq!(exp(json!("9999-12-30T00:00:00+00:00")), Ok(()));
    assert_eq!(exp(json!(at(-61))), Err(Refusal::Expired));
    const BAD: Result<(), Refusal> = Err(Refusal::BadClaim("exp"));
    for bad in [
        Value::Null,
        json!(forge::now() + 600),
        json!((forge::now() + 600).to_string()),
        json!("2999-01-01"),
        json!("2999-01-01T00:00:00"),
        json!(""),
        json!([at(600)]),
        json!(true),
    ] {
        assert_eq!(exp(bad.clone()), BAD, "{bad}");
    }
    assert_eq!(verify(&with(claims(), "nbf", json!(at(120)))), Err(Refusal::NotYetValid));
    assert_eq!(verify(&with(claims(), "nbf", json!(1))), Err(Refusal::BadClaim("nbf")));
    assert_eq!(verify(&with(claims(), "iat", json!(1))), Err(Refusal::BadClaim("iat")));
}

#[test]
fn claims_are_held_to_the_same_rules_as_those_of_a_jwt() {
    assert_eq!(verify(&with(claims(), "aud", json!("us"))), Err(Refusal::WrongAudience));
    assert_eq!(verify(&with(claims(), "aud", json!(1))), Err(Refusal::BadClaim("aud")));
    assert_eq!(verify(&with(claims(), "iss", json!(1))), Err(Refusal::BadClaim("iss")));
    assert_eq!(verify(&with(claims(), "sub", json!(1))), Err(Refusal::BadClaim("sub")));
    assert_eq!(verify(&with(claims(), "tenant", Value::Null)), Err(Refusal::BadClaim("tenant")));
    assert_eq!(verify(&with(claims(), "scopes", json!("a\"b"))), Err(Refusal::BadClaim("scopes")));
    assert_eq!(verify(&json!([])), Err(Refusal::Malformed));
    let keys = Keys::fresh();
    let doubled = claims().to_string().replacen('{', r#"{"sub":"cat","#, 1);
    assert_eq!(house(&keys, None).verify(&keys.sign_text(None, &doubled)), Err(Refusal::Malformed));
}

#[test]
fn each_issuer_has_keys_of_its_own() {
    let [ours, theirs] = [Keys::fresh(), Keys::fresh()];
    let issuer = IssuerSettings {
        issuer: "A".to_owned(),
        audience: Some("us".to_owned()),
        keys: vec![ours.settings(Some("k"))],
        ..IssuerSettings::default()
    };
    let keys = vec![theirs.settings(Some("k"))];
    let verifier = verifier(&Settings { keys, issuers: vec![issuer], ..Settings::default() });
    let from = |iss: &str| with(with(claims(), "iss", json!(iss)), "aud", json!("us"));
    assert!(verifier.verify(&ours.sign(Some("k"), &from("A"))).is_ok());
    let elsewhere = with(from("A"), "aud", json!("others"));
    assert_eq!(verifier.verify(&ours.sign(Some("k"), &elsewhere)), Err(Refusal::WrongAudience));
    assert_eq!(verifier.verify(&ours.sign(Some("k"), &from("B"))), Err(Refusal::BadSignature));
    assert_eq!(verifier.verify(&theirs.sign(Some("k"), &from("A"))), Err(Refusal::BadSignature));
    assert!(verifier.verify(&theirs.sign(Some("k"), &with(from("B"), "aud", Value::Null))).is_ok());
}

#[test]
fn mistakes_about_keys_are_told() {
    let check = |key: KeySettings, expected: &str| {
        let error = Verifier::new(&Settings { keys: vec![key], ..Settings::default() });
        let error = error.expect_err("must be refused").to_string();
        assert!(error.contains("(v4.public)") && error.contains(expected), "{error}");
    };
    let keys = Keys::fresh();
    check(KeySettings { public_key: None, ..keys.settings(None) }, "set public_key or public_key_file");
    check(KeySettings { secret: Some("x".repeat(32)), ..keys.settings(None) }, "secret does not fit");
    let rsa = Pair::generate(Algorithm::RS256).public;
    check(KeySettings { public_key: Some(rsa), ..keys.settings(None) }, "an Ed25519 public key");
    let named: KeySettings = serde_json::from_value(json!({"algorithm": "v4.public"})).unwrap();
    assert_eq!(named.algorithm, Algorithm::V4Public);
    assert_eq!(serde_json::to_value(&named).unwrap()["algorithm"], "v4.public");
    assert_eq!(Algorithm::from_name("v4.public"), None, "no JWT has it");
}

proptest! {
    #[test]
    fn no_change_of_one_byte_verifies(position: prop::sample::Index, byte in 0..128_u8) {
        static HOUSE: LazyLock<(Verifier, String)> = LazyLock::new(|| {
            let keys = Keys::fresh();
            (house(&keys, Some("a")), keys.sign(Some("a"), &claims()))
        });
        let (verifier, token) = &*HOUSE;
        prop_assert!(verifier.verify(token).is_ok());
        let mut changed = token.clone().into_bytes();
        let position = position.index(changed.len());
        prop_assume!(changed[position] != byte);
        changed[position] = byte;
        prop_assert!(verifier.verify(&String::from_utf8(changed).expect("it is ASCII")).is_err());
    }

    #[test]
    fn no_text_behind_the_head_verifies_or_panics(text in "[A-Za-z0-9_.-]{0,200}") {
        let token = format!("v4.public.{text}");
        prop_assert!(house(&Keys::fresh(), None).verify(&token).is_err());
    }
}
