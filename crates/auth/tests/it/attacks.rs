//! Tokens that must not get in, each named after its line of attack.

use crate::forge::{
    self, Pair, SECRET, claims, encode, header, now, secret_key, settings, sign, sign_text, verifier,
    verify_claims, verify_header, with,
};
use auth::{Algorithm, Refusal, Settings, Verifier};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

#[test]
fn the_forged_tokens_here_would_be_valid_if_nothing_were_wrong_with_them() {
    assert_eq!(verify_claims(&claims()).unwrap().agent(), "bot");
    assert_eq!(verify_header(&header()).unwrap().tenant(), "acme");
}

#[test]
fn alg_none() {
    for name in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS384", "PS256", "RS512", "ES256K"] {
        let header = with(header(), "alg", json!(name));
        let unsigned = format!("{}.{}.", encode(header.to_string()), encode(claims().to_string()));
        assert_eq!(verifier(&settings()).verify(&unsigned), Err(Refusal::WrongAlgorithm), "{name:?}");
        assert_eq!(verify_header(&header), Err(Refusal::WrongAlgorithm), "{name:?}, signed");
    }
    for value in [Value::Null, json!(1), json!(["HS256"]), json!({"HS256": true})] {
        assert_eq!(verify_header(&with(header(), "alg", value.clone())), Err(Refusal::Malformed), "{value}");
    }
    // The right name and no signature.
    let unsigned = format!("{}.{}.", encode(header().to_string()), encode(claims().to_string()));
    assert_eq!(verifier(&settings()).verify(&unsigned), Err(Refusal::BadSignature));
}

#[test]
fn alg_confusion() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let pair = Pair::generate(algorithm);
        let public =
            [pair.public.as_bytes().to_vec(), pair.public.trim_end().as_bytes().to_vec(), der(&pair.public)];
        for secret in &public {
            for (kid, expected) in [(None, Refusal::UnknownKey), (Some("a"), Refusal::WrongAlgorithm)] {
                let verifier = verifier(&Settings { keys: vec![pair.settings(kid)], ..Settings::default() });
                let header = with(header(), "kid", json!(kid));
                let token = sign_text(&header.to_string(), &claims().to_string(), secret);
                assert_eq!(verifier.verify(&token), Err(expected), "{algorithm} {kid:?}");
                // The same bytes under the key's own algorithm.
                let header = with(header, "alg", json!(algorithm.name()));
                let token = sign_text(&header.to_string(), &claims().to_string(), secret);
                assert_eq!(verifier.verify(&token), Err(Refusal::BadSignature), "{algorithm} {kid:?}");
            }
        }
    }
}

#[test]
fn a_key_is_used_with_its_own_algorithm_only_beside_others() {
    let (rs, es) = (Pair::generate(Algorithm::RS256), Pair::generate(Algorithm::ES256));
    let keys = vec![secret_key(Some("hs")), rs.settings(Some("rs")), es.settings(Some("es"))];
    let verifier = verifier(&Settings { keys, ..Settings::default() });
    for kid in ["rs", "es"] {
        assert_eq!(
            verifier.verify(&sign(&with(header(), "kid", json!(kid)), &claims())),
            Err(Refusal::WrongAlgorithm)
        );
    }
    assert!(verifier.verify(&sign(&with(header(), "kid", json!("hs")), &claims())).is_ok());
    // A signature of the same family with another hash or padding is another algorithm.
    let key = EncodingKey::from_rsa_pem(rs.private.as_bytes()).unwrap();
    for algorithm in [jsonwebtoken::Algorithm::PS256, jsonwebtoken::Algorithm::RS384] {
        let header = json!({"alg": "RS256", "kid": "rs"}).to_string();
        let token = forge::sign_with(&header, &claims().to_string(), algorithm, &key);
        assert_eq!(verifier.verify(&token), Err(Refusal::BadSignature));
    }
}

#[test]
fn kid_traversal() {
    let keys = vec![secret_key(Some("main"))];
    let verifier = verifier(&Settings { keys, ..Settings::default() });
    let long = "a".repeat(4000);
    for kid in [
        "",
        "../../../dev/null",
        "/dev/null",
        "main\0",
        "Main",
        "main ",
        "' OR 1=1 --",
        "file:///dev/null",
        "0",
        &long,
    ] {
        let token = sign(&with(header(), "kid", json!(kid)), &claims());
        assert_eq!(verifier.verify(&token), Err(Refusal::UnknownKey), "{kid:?}");
        // What the named file would hold: an empty secret.
        let token = sign_text(&with(header(), "kid", json!(kid)).to_string(), &claims().to_string(), b"\0");
        assert_eq!(verifier.verify(&token), Err(Refusal::UnknownKey), "{kid:?}");
    }
    for kid in [json!(1), json!(["main"]), json!({"main": 1}), json!(true)] {
        let token = sign(&with(header(), "kid", kid.clone()), &claims());
        assert_eq!(verifier.verify(&token), Err(Refusal::Malformed), "{kid}");
    }
}

#[test]
fn a_kid_is_not_ignored_where_the_only_key_has_no_id() {
    let token = sign(&with(header(), "kid", json!("other")), &claims());
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::UnknownKey));
}

#[test]
fn without_a_kid_one_of_two_keys_is_never_guessed() {
    let other = auth::KeySettings {
        secret: Some("another secret of thirty-two bytes or so".to_owned()),
        ..secret_key(Some("b"))
    };
    let verifier = verifier(&Settings { keys: vec![secret_key(Some("a")), other], ..Settings::default() });
    assert_eq!(verifier.verify(&sign(&header(), &claims())), Err(Refusal::UnknownKey));
    assert_eq!(
        verifier.verify(&sign(&with(header(), "kid", json!("b")), &claims())),
        Err(Refusal::BadSignature),
        "the other key's id"
    );
    assert!(verifier.verify(&sign(&with(header(), "kid", json!("a")), &claims())).is_ok());
}

#[test]
fn jku_x5u_jwk_embedded() {
    let key = json!({"kty": "oct", "k": encode(SECRET)});
    let address = "http://127.0.0.1:9/keys";
    for (name, value) in
        [("jku", json!(address)), ("x5u", json!(address)), ("jwk", key), ("x5c", json!(["MIIB"]))]
    {
        for value in [value, json!(""), json!(7), json!([]), json!({})] {
            assert_eq!(
                verify_header(&with(header(), name, value.clone())),
                Err(Refusal::EmbeddedKey),
                "{name} {value}"
            );
        }
        let null = format!(r#"{{"alg":"HS256","{name}":null}}"#);
        let token = sign_text(&null, &claims().to_string(), SECRET.as_bytes());
        assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::EmbeddedKey), "{name} null");
    }
    // Signed with the key that the header brings.
    let own = "a key of the attacker, of thirty-two bytes";
    let header = with(header(), "jwk", json!({"kty": "oct", "k": encode(own)}));
    let token = sign_text(&header.to_string(), &claims().to_string(), own.as_bytes());
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::EmbeddedKey));
}

#[test]
fn crit_unknown() {
    for crit in [json!(["exp"]), json!(["b64"]), json!(["urn:x"]), json!([]), json!("b64"), json!(1)] {
        assert_eq!(
            verify_header(&with(header(), "crit", crit.clone())),
            Err(Refusal::UnknownCritical),
            "{crit}"
        );
    }
    let token = sign_text(r#"{"alg":"HS256","crit":null}"#, &claims().to_string(), SECRET.as_bytes());
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::UnknownCritical));
}

#[test]
fn expired() {
    let at = |exp: u64| verify_claims(&with(claims(), "exp", json!(exp)));
    assert_eq!(at(now() - 61), Err(Refusal::Expired));
    assert_eq!(at(1), Err(Refusal::Expired));
    assert!(at(now() - 30).is_ok(), "within the leeway");
    let strict = verifier(&Settings { leeway_s: 0, ..settings() });
    let token = sign(&header(), &with(claims(), "exp", json!(now())));
    assert_eq!(strict.verify(&token), Err(Refusal::Expired), "the second of exp is too late already");
}

#[test]
fn not_yet() {
    let at = |nbf: u64| verify_claims(&with(claims(), "nbf", json!(nbf)));
    assert_eq!(at(now() + 120), Err(Refusal::NotYetValid));
    assert!(at(now() + 30).is_ok(), "within the leeway");
    assert!(at(0).is_ok());
    let strict = verifier(&Settings { leeway_s: 0, ..settings() });
    let token = sign(&header(), &with(claims(), "nbf", json!(now() + 5)));
    assert_eq!(strict.verify(&token), Err(Refusal::NotYetValid));
}

#[test]
fn wrong_aud() {
    let verifier = for_audience();
    for aud in
        [json!("other"), json!(["other", "third"]), json!([]), json!("gateway "), json!("GATEWAY"), json!("")]
    {
        let token = sign(&header(), &with(claims(), "aud", aud.clone()));
        assert_eq!(verifier.verify(&token), Err(Refusal::WrongAudience), "{aud}");
    }
    for aud in [json!("gateway"), json!(["other", "gateway"])] {
        assert!(verifier.verify(&sign(&header(), &with(claims(), "aud", aud))).is_ok());
    }
}

#[test]
fn missing_aud() {
    assert_eq!(for_audience().verify(&sign(&header(), &claims())), Err(Refusal::WrongAudience));
}

#[test]
fn a_token_for_somebody_else_is_refused_where_no_audience_is_configured() {
    for aud in [json!("other"), json!(["other"]), json!([])] {
        assert_eq!(verify_claims(&with(claims(), "aud", aud)), Err(Refusal::WrongAudience));
    }
}

#[test]
fn wrong_iss() {
    let verifier = verifier(&Settings { issuer: Some("us".to_owned()), ..settings() });
    for iss in ["them", "us/", "US", ""] {
        let token = sign(&header(), &with(claims(), "iss", json!(iss)));
        assert_eq!(verifier.verify(&token), Err(Refusal::WrongIssuer), "{iss}");
    }
    assert_eq!(verifier.verify(&sign(&header(), &claims())), Err(Refusal::WrongIssuer), "missing");
    assert!(verifier.verify(&sign(&header(), &with(claims(), "iss", json!("us")))).is_ok());
}

#[test]
fn iss_aud_sub_nbf_of_wrong_type() {
    let lenient = settings();
    let strict =
        Settings { issuer: Some("us".to_owned()), audience: Some("gateway".to_owned()), ..settings() };
    let right = with(with(claims(), "iss", json!("us")), "aud", json!("gateway"));
    let wrong = [
        ("iss", vec![json!(1), json!(["us"]), json!({"us": 1}), json!(true)]),
        (
            "aud",
            vec![json!(1), json!({"gateway": 1}), json!(true), json!(["gateway", 1]), json!([["gateway"]])],
        ),
        ("sub", vec![json!(1), json!(["bot"]), json!({}), json!(true)]),
        ("jti", vec![json!(1), json!(["id"]), json!(true)]),
        ("tenant", vec![json!(1), json!(["acme"]), json!({}), json!(true)]),
        ("nbf", times()),
        ("exp", times()),
        ("iat", times()),
    ];
    for (claim, values) in wrong {
        // As JSON's null does not survive `with`.
        let null = with(right.clone(), claim, Value::Null).to_string().replacen(
            '{',
            &format!("{{\"{claim}\":null,"),
            1,
        );
        let mut payloads: Vec<String> =
            values.into_iter().map(|value| with(right.clone(), claim, value).to_string()).collect();
        payloads.push(null);
        for payload in payloads {
            let token = sign_text(&header().to_string(), &payload, SECRET.as_bytes());
            assert_eq!(verifier(&strict).verify(&token), Err(Refusal::BadClaim(claim)), "{payload}");
            // An audience is of no use to a verifier without one, but its type is still checked.
            let refusal = verifier(&lenient).verify(&token).unwrap_err();
            let expected = [Refusal::BadClaim(claim), Refusal::WrongAudience];
            assert!(expected.contains(&refusal), "{payload}: {refusal:?}");
        }
    }
}

#[test]
fn wrong_types_are_refused_where_nothing_is_compared() {
    for (claim, value) in [("iss", json!(1)), ("aud", json!(1)), ("nbf", json!("x")), ("iat", json!("x"))] {
        assert_eq!(verify_claims(&with(claims(), claim, value)), Err(Refusal::BadClaim(claim)));
    }
}

#[test]
fn required_claims_are_required() {
    for (claim, name) in [("exp", "exp"), ("sub", "sub"), ("tenant", "tenant")] {
        assert_eq!(verify_claims(&with(claims(), claim, Value::Null)), Err(Refusal::BadClaim(name)));
    }
}

#[test]
fn names_are_short_and_safe_in_a_log() {
    let long = "x".repeat(129);
    for claim in ["sub", "tenant", "jti"] {
        for name in ["", &long, "a\nb", "a\u{1b}[31m", "a\0", "\u{7f}", "\u{85}"] {
            assert_eq!(
                verify_claims(&with(claims(), claim, json!(name))),
                Err(Refusal::BadClaim(claim)),
                "{name:?}"
            );
        }
        let longest = "x".repeat(128);
        assert!(verify_claims(&with(claims(), claim, json!(longest))).is_ok());
        assert!(verify_claims(&with(claims(), claim, json!("Zoë Ωmega 🤖"))).is_ok());
    }
}

#[test]
fn scopes_of_wrong_type_or_with_separators_inside_are_refused() {
    for scopes in [json!(1), json!({"*": 1}), json!(true), json!([1]), json!(["a", null]), json!([["*"]])] {
        assert_eq!(
            verify_claims(&with(claims(), "scopes", scopes.clone())),
            Err(Refusal::BadClaim("scopes")),
            "{scopes}"
        );
    }
    for scope in ["a *", " *", "", "a\n*", "a\t*", "\"", "\\", "é"] {
        assert_eq!(
            verify_claims(&with(claims(), "scopes", json!([scope]))),
            Err(Refusal::BadClaim("scopes")),
            "{scope:?}"
        );
    }
}

#[test]
fn oversized_token() {
    let verifier = verifier(&settings());
    let fill = |length: usize| sign(&header(), &with(claims(), "fill", json!("x".repeat(length))));
    let token = fill(9000);
    assert!(token.len() > 8192);
    assert_eq!(verifier.verify(&token), Err(Refusal::TooLarge));
    assert_eq!(verifier.verify(&"x".repeat(10_000_000)), Err(Refusal::TooLarge));
    let token = fill(5000);
    assert!(token.len() < 8192);
    assert!(verifier.verify(&token).is_ok());
    let exact = Verifier::new(&Settings { max_token_bytes: token.len(), ..settings() }).unwrap();
    assert!(exact.verify(&token).is_ok(), "the limit itself is allowed");
    let less = Verifier::new(&Settings { max_token_bytes: token.len() - 1, ..settings() }).unwrap();
    assert_eq!(less.verify(&token), Err(Refusal::TooLarge));
}

#[test]
fn garbage() {
    let verifier = verifier(&settings());
    assert_eq!(verifier.verify(""), Err(Refusal::Missing));
    let valid = sign(&header(), &claims());
    let padded = format!("{valid}=");
    let spaced = format!(" {valid}");
    let prefixed = format!("Bearer {valid}");
    let more = format!("{valid}.x");
    let encrypted = format!("{valid}.x.y");
    let texts =
        [".", "..", "...", "a.b.c", "e30.e30.e30", "e30.e30.", "🤖.🤖.🤖", "\0", "null", "{}", "a b c"];
    for text in texts.into_iter().chain([&*padded, &spaced, &prefixed, &more, &encrypted]) {
        assert_eq!(verifier.verify(text), Err(Refusal::Malformed), "{text:?}");
    }
    for payload in ["", "null", "[]", "1", "\"x\"", "{", "{} {}", "{\"exp\":1e999}", "\u{feff}{}"] {
        let token = sign_text(&header().to_string(), payload, SECRET.as_bytes());
        assert_eq!(verifier.verify(&token), Err(Refusal::Malformed), "{payload}");
    }
    let deep = "[".repeat(2500) + &"]".repeat(2500);
    let token = sign_text(&header().to_string(), &format!("{{\"x\":{deep}}}"), SECRET.as_bytes());
    assert_eq!(verifier.verify(&token), Err(Refusal::Malformed), "depth");
}

#[test]
fn a_name_that_occurs_twice_is_refused() {
    let twice = claims().to_string().replacen('{', "{\"tenant\":\"other\",", 1);
    let token = sign_text(&header().to_string(), &twice, SECRET.as_bytes());
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::Malformed));
    let token = sign_text(r#"{"alg":"none","alg":"HS256"}"#, &claims().to_string(), SECRET.as_bytes());
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::Malformed));
}

#[test]
fn nothing_is_said_about_the_claims_of_a_token_that_is_not_signed() {
    let expired = with(claims(), "exp", json!(1));
    let token =
        sign_text(&header().to_string(), &expired.to_string(), b"not the secret of this gateway at all");
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::BadSignature));
    let token = sign_text(&header().to_string(), "not json", b"not the secret of this gateway at all");
    assert_eq!(verifier(&settings()).verify(&token), Err(Refusal::BadSignature));
}

#[test]
fn a_presented_token_must_be_valid_where_none_is_required() {
    let verifier = verifier(&Settings { required: false, ..Settings::default() });
    assert_eq!(verifier.verify(&sign(&header(), &claims())), Err(Refusal::UnknownKey));
    assert_eq!(verifier.verify(""), Err(Refusal::Missing));
}

fn for_audience() -> Verifier {
    verifier(&Settings { audience: Some("gateway".to_owned()), ..settings() })
}

/// What is no time: text, other types, negative, and beyond the year 9999 (most often milliseconds).
fn times() -> Vec<Value> {
    let values =
        [json!("x"), json!("4102444800"), json!([1]), json!({"at": 1}), json!(true), json!(-1), json!(-0.5)];
    values.into_iter().chain([json!(1e300), json!(u64::MAX), json!(253_402_300_800_u64)]).collect()
}

/// The bytes inside a PEM.
fn der(pem: &str) -> Vec<u8> {
    use base64::Engine as _;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::engine::general_purpose::STANDARD.decode(body).expect("the body is base64")
}
