//! Tokens that get in, and what is known of their holder afterwards.

use std::time::Duration;

use crate::forge::{
    self, Pair, SECRET, claims, header, now, secret_key, settings, sign, verifier, verify_claims, with,
};
use auth::{Algorithm, Claims, Identity, Refusal, Settings, Signer, Verifier};
use serde_json::{Value, json};

/// Mints with one key and verifies with another that should be its counterpart.
fn round_trip(signer: &Signer, verifier: &Verifier) -> Result<Identity, Refusal> {
    let claims = Claims {
        scopes: vec!["tool.read".to_owned(), "tool.write".to_owned()],
        ..Claims::new("acme", "bot")
    };
    verifier.verify(&signer.mint(&claims).expect("the claims are right"))
}

#[test]
fn a_shared_secret_verifies_what_it_signed() {
    let signer = Signer::hs256(SECRET.as_bytes(), None).unwrap();
    let identity = round_trip(&signer, &verifier(&settings())).unwrap();
    assert_eq!((identity.tenant(), identity.agent()), ("acme", "bot"));
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["tool.read", "tool.write"]);
    assert_eq!(identity.token_id(), None);
    let expires_at = identity.expires_at().unwrap();
    assert!((now() + 3590..=now() + 3600).contains(&expires_at));
}

#[test]
fn a_key_pair_of_every_algorithm_verifies_what_it_signed_and_no_other_pair_does() {
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let (pair, other) = (Pair::generate(algorithm), Pair::generate(algorithm));
        for kid in [None, Some("main")] {
            let signer = Signer::from_pem(algorithm, pair.private.as_bytes(), kid).unwrap();
            let ours = verifier(&Settings { keys: vec![pair.settings(kid)], ..Settings::default() });
            assert_eq!(round_trip(&signer, &ours).unwrap().agent(), "bot", "{algorithm}");
            let theirs = verifier(&Settings { keys: vec![other.settings(kid)], ..Settings::default() });
            assert_eq!(round_trip(&signer, &theirs), Err(Refusal::BadSignature), "{algorithm}");
        }
    }
}

#[test]
fn four_keys_of_four_algorithms_live_side_by_side_without_ids() {
    let pairs = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].map(Pair::generate);
    let mut keys: Vec<_> = pairs.iter().map(|pair| pair.settings(None)).collect();
    keys.push(secret_key(None));
    let verifier = verifier(&Settings { keys, ..Settings::default() });
    for pair in &pairs {
        let signer = Signer::from_pem(pair.algorithm, pair.private.as_bytes(), None).unwrap();
        assert!(round_trip(&signer, &verifier).is_ok(), "{}", pair.algorithm);
    }
    assert!(round_trip(&Signer::hs256(SECRET.as_bytes(), None).unwrap(), &verifier).is_ok());
}

#[test]
fn a_key_is_found_by_its_id_while_keys_are_rotated() {
    let (old, new) = (Pair::generate(Algorithm::ES256), Pair::generate(Algorithm::ES256));
    let keys = vec![old.settings(Some("2024")), new.settings(Some("2025"))];
    let verifier = verifier(&Settings { keys, ..Settings::default() });
    for (pair, kid) in [(&old, "2024"), (&new, "2025")] {
        let signer = Signer::from_pem(Algorithm::ES256, pair.private.as_bytes(), Some(kid)).unwrap();
        assert!(round_trip(&signer, &verifier).is_ok());
    }
    let crossed = Signer::from_pem(Algorithm::ES256, old.private.as_bytes(), Some("2025")).unwrap();
    assert_eq!(round_trip(&crossed, &verifier), Err(Refusal::BadSignature));
}

#[test]
fn every_claim_of_a_minted_token_arrives() {
    let claims = Claims {
        scopes: vec!["*".to_owned()],
        issuer: Some("us".to_owned()),
        audience: Some("gateway".to_owned()),
        ttl: Duration::from_secs(60),
        not_before: Some(now()),
        token_id: Some("id-1".to_owned()),
        ..Claims::new("acme", "bot")
    };
    let strict =
        Settings { issuer: Some("us".to_owned()), audience: Some("gateway".to_owned()), ..settings() };
    let token = Signer::hs256(SECRET.as_bytes(), None).unwrap().mint(&claims).unwrap();
    let identity = verifier(&strict).verify(&token).unwrap();
    assert_eq!(identity.token_id(), Some("id-1"));
    assert!(identity.has_scope("whatever"));
    assert!(identity.expires_at().unwrap() <= now() + 60);
    let later = Claims { not_before: Some(now() + 600), ..claims };
    let token = Signer::hs256(SECRET.as_bytes(), None).unwrap().mint(&later).unwrap();
    assert_eq!(verifier(&strict).verify(&token), Err(Refusal::NotYetValid));
}

#[test]
fn scopes_come_as_an_array_or_as_text_and_under_both_names() {
    let check = |name: &str, value: Value, expected: &[&str]| {
        let claims = with(with(claims(), "scopes", Value::Null), name, value);
        let identity = verify_claims(&claims).unwrap();
        assert_eq!(identity.scopes().collect::<Vec<_>>(), expected, "{claims}");
    };
    check("scopes", json!(["a", "b"]), &["a", "b"]);
    check("scopes", json!("a b"), &["a", "b"]);
    check("scopes", json!("  a  b "), &["a", "b"]);
    check("scopes", json!(""), &[]);
    check("scopes", json!([]), &[]);
    check("scope", json!("a b"), &["a", "b"]);
    check("scope", json!(["a"]), &["a"]);
    check("unrelated", json!("a"), &[]);
}

#[test]
fn an_empty_list_of_scopes_is_not_made_up_for_by_the_other_name() {
    let claims = with(with(claims(), "scopes", json!([])), "scope", json!("*"));
    assert!(!verify_claims(&claims).unwrap().has_scope("a"));
}

#[test]
fn a_scope_is_held_as_a_whole_or_not_at_all() {
    let identity = verify_claims(&with(claims(), "scopes", json!(["tool.read", "x"]))).unwrap();
    assert!(identity.has_scope("tool.read") && identity.has_scope("x"));
    for scope in ["tool", "tool.read ", "tool.read x", "TOOL.READ", "*", ""] {
        assert!(!identity.has_scope(scope), "{scope:?}");
    }
    assert!(!verify_claims(&with(claims(), "scopes", json!(["tool.*"]))).unwrap().has_scope("tool.read"));
}

#[test]
fn claims_have_the_names_that_the_operator_gave_them() {
    let settings = Settings {
        tenant_claim: "https://acme/org".to_owned(),
        scopes_claim: "perms".to_owned(),
        ..settings()
    };
    let claims = with(with(claims(), "https://acme/org", json!("t1")), "perms", json!(["p"]));
    let identity = verifier(&settings).verify(&sign(&header(), &claims)).unwrap();
    assert_eq!(identity.tenant(), "t1");
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["p"]);
    let plain = sign(&header(), &forge::claims());
    assert_eq!(verifier(&settings).verify(&plain), Err(Refusal::BadClaim("tenant")), "`tenant` is not asked");
}

#[test]
fn times_may_have_fractions_and_reach_the_year_9999() {
    let exp = now() + 100;
    let identity = verify_claims(&with(claims(), "exp", json!(exp as f64 + 0.75))).unwrap();
    assert_eq!(identity.expires_at(), Some(exp));
    let identity = verify_claims(&with(claims(), "exp", json!(253_402_300_799_u64))).unwrap();
    assert_eq!(identity.expires_at(), Some(253_402_300_799));
}

#[test]
fn anonymous_clients_come_in_only_where_no_token_is_required() {
    assert_eq!(verifier(&settings()).anonymous(), None);
    let open = verifier(&Settings { required: false, ..Settings::default() });
    let identity = open.anonymous().unwrap();
    assert_eq!((identity.tenant(), identity.agent()), ("default", "anonymous"));
    assert_eq!((identity.expires_at(), identity.token_id(), identity.scopes().count()), (None, None, 0));
    assert!(!identity.has_scope("a"));
}

#[test]
fn a_refreshed_token_has_the_same_holder_and_another_tenants_has_not() {
    let holder = |tenant: &str, agent: &str, id: &str| {
        let claims =
            with(with(with(claims(), "tenant", json!(tenant)), "sub", json!(agent)), "jti", json!(id));
        verify_claims(&claims).unwrap()
    };
    assert!(holder("acme", "bot", "1").is_same_holder(&holder("acme", "bot", "2")));
    assert!(!holder("acme", "bot", "1").is_same_holder(&holder("acme", "cat", "1")));
    assert!(!holder("acme", "bot", "1").is_same_holder(&holder("other", "bot", "1")));
    assert!(
        !holder("ab", "c", "1").is_same_holder(&holder("a", "bc", "1")),
        "the border between both counts"
    );
    assert_ne!(holder("acme", "bot", "1"), holder("acme", "bot", "2"));
}

#[test]
fn an_identity_is_small() {
    assert!(size_of::<Identity>() <= 32);
    let identity = verify_claims(&claims()).unwrap();
    let text =
        identity.tenant().len() + identity.agent().len() + identity.scopes().map(str::len).sum::<usize>();
    assert!(size_of::<Identity>() + text < 100);
}

#[test]
fn verifiers_and_identities_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Verifier>();
    shared::<Identity>();
    shared::<Signer>();
}

#[test]
fn challenges_name_the_reason_as_rfc_6750_writes_it() {
    assert_eq!(Refusal::Missing.challenge(), r#"Bearer realm="mcpw""#);
    assert_eq!(
        Refusal::Expired.challenge(),
        r#"Bearer realm="mcpw", error="invalid_token", error_description="the token has expired""#
    );
    let all = [
        Refusal::TooLarge,
        Refusal::Malformed,
        Refusal::UnknownKey,
        Refusal::WrongAlgorithm,
        Refusal::BadSignature,
        Refusal::UnknownApiKey,
        Refusal::Revoked,
        Refusal::EmbeddedKey,
        Refusal::UnknownCritical,
        Refusal::Expired,
        Refusal::NotYetValid,
        Refusal::WrongIssuer,
        Refusal::WrongAudience,
        Refusal::BadClaim("scopes"),
    ];
    for refusal in all {
        let description = refusal.to_string();
        assert!(
            description.bytes().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')),
            "{description}"
        );
        assert!(refusal.challenge().contains(&description));
    }
    let names: std::collections::HashSet<_> = all.iter().map(Refusal::name).collect();
    assert_eq!(names.len(), all.len());
}

#[test]
fn a_client_can_not_tell_which_keys_exist() {
    assert_eq!(Refusal::BadSignature.challenge(), Refusal::UnknownKey.challenge());
    assert_eq!(Refusal::BadSignature.challenge(), Refusal::WrongAlgorithm.challenge());
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let signer = Signer::hs256(SECRET.as_bytes(), None).unwrap();
    for text in [format!("{:?}", settings()), format!("{:?}", verifier(&settings())), format!("{signer:?}")] {
        assert!(!text.contains("thirty-two"), "{text}");
        assert!(!text.contains("97, 32, 115"), "{text}");
    }
}
