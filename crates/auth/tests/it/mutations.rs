//! Properties: no changed token verifies, no text panics.

use std::sync::LazyLock;

use crate::forge::{self, Pair, SECRET, encode, secret_key, settings, verifier};
use auth::{Algorithm, Claims, Settings, Signer, Verifier};
use proptest::prelude::*;

/// A verifier with a key of every algorithm, and a valid token of each.
static HOUSE: LazyLock<(Verifier, Vec<String>)> = LazyLock::new(|| {
    let pairs = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].map(Pair::generate);
    let mut keys: Vec<_> = pairs.iter().map(|pair| pair.settings(Some(pair.algorithm.name()))).collect();
    keys.push(secret_key(None));
    let pem =
        |pair: &Pair| Signer::from_pem(pair.algorithm, pair.private.as_bytes(), Some(pair.algorithm.name()));
    let mut signers: Vec<Signer> = pairs.iter().map(|pair| pem(pair).expect("the pair is right")).collect();
    signers.push(Signer::hs256(SECRET.as_bytes(), None).expect("the secret is long"));
    let claims = Claims { scopes: vec!["*".to_owned()], ..Claims::new("acme", "bot") };
    let tokens = signers.iter().map(|signer| signer.mint(&claims).expect("the claims are right")).collect();
    (verifier(&Settings { keys, ..Settings::default() }), tokens)
});

#[test]
fn the_tokens_are_valid_before_they_are_changed() {
    let (verifier, tokens) = &*HOUSE;
    assert_eq!(tokens.len(), 4);
    for token in tokens {
        assert!(verifier.verify(token).is_ok());
    }
}

#[test]
fn no_change_of_one_byte_of_an_hs256_token_verifies() {
    let verifier = verifier(&settings());
    let token = HOUSE.1.last().expect("there are four");
    for position in 0..token.len() {
        for byte in 0..128_u8 {
            let mut changed = token.clone().into_bytes();
            if changed[position] == byte {
                continue;
            }
            changed[position] = byte;
            let changed = String::from_utf8(changed).expect("it is ASCII");
            assert!(verifier.verify(&changed).is_err(), "byte {position} as {byte}: {changed}");
        }
    }
}

#[test]
fn no_token_verifies_when_a_byte_is_lost_or_doubled() {
    let (verifier, tokens) = &*HOUSE;
    for token in tokens {
        for position in 0..token.len() {
            let mut lost = token.clone();
            let byte = lost.remove(position);
            assert!(verifier.verify(&lost).is_err());
            let mut doubled = token.clone();
            doubled.insert(position, byte);
            assert!(verifier.verify(&doubled).is_err());
        }
    }
}

proptest! {
    #[test]
    fn no_change_of_one_byte_verifies(which in 0..4_usize, position: prop::sample::Index, byte in 0..128_u8) {
        let (verifier, tokens) = &*HOUSE;
        let mut changed = tokens[which].clone().into_bytes();
        let position = position.index(changed.len());
        prop_assume!(changed[position] != byte);
        changed[position] = byte;
        prop_assert!(verifier.verify(&String::from_utf8(changed).expect("it is ASCII")).is_err());
    }

    #[test]
    fn no_parts_of_two_tokens_make_a_third(parts in prop::array::uniform3(0..4_usize)) {
        let (verifier, tokens) = &*HOUSE;
        let part = |index: usize| tokens[parts[index]].split('.').nth(index).expect("three parts");
        let token = [part(0), part(1), part(2)].join(".");
        // All four have the same payload if they were minted in the same second.
        prop_assert_eq!(verifier.verify(&token).is_ok(), tokens.contains(&token));
    }

    #[test]
    fn no_text_verifies_or_panics(text in any::<String>()) {
        prop_assert!(HOUSE.0.verify(&text).is_err());
    }

    #[test]
    fn no_three_parts_verify_or_panic(header in any::<Vec<u8>>(), payload in any::<Vec<u8>>(), tail in any::<Vec<u8>>()) {
        let token = [encode(header), encode(payload), encode(tail)].join(".");
        prop_assert!(HOUSE.0.verify(&token).is_err());
    }

    #[test]
    fn signed_payloads_of_any_bytes_never_panic(payload in any::<String>()) {
        let token = forge::sign_text(r#"{"alg":"HS256"}"#, &payload, SECRET.as_bytes());
        prop_assert!(HOUSE.0.verify(&token).is_err());
    }

    #[test]
    fn signed_claims_of_any_json_never_panic(name in "(exp|nbf|iat|iss|aud|sub|tenant|scopes|scope|jti)", value in json()) {
        let claims = forge::with(forge::claims(), &name, value);
        if let Ok(identity) = HOUSE.0.verify(&forge::sign(&forge::header(), &claims)) {
            prop_assert!(!identity.tenant().is_empty() && identity.tenant().len() <= 128);
            prop_assert!(!identity.agent().is_empty() && identity.agent().len() <= 128);
            prop_assert!(identity.expires_at().is_some());
            let shown = format!("{identity:?}");
            prop_assert!(!shown.contains('\n'), "{}", shown);
        }
    }
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<u64>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}
