//! API keys from a file: whose they are, what is none, and what an operator is told.

use crate::forge::{self, settings, verifier};
use auth::{ApiKeyEntry, Refusal, Settings, Verifier};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::NamedTempFile;

/// Of `mcpw_k_` and 43 times `x`, and of `mcpw_k_password`, as sha256sum says.
const SHA256_OF_KEY: &str = "c3b81f05fa0df5f736291604cf957199bd87e2348fc22322d1faa9b2bb6533f6";
const SHA256_OF_WEAK_KEY: &str = "60820d06fcdf63b9d4816c0335d8a5923c4d0dfb6b098183e41cb497cdc3af1b";

fn fresh() -> (String, ApiKeyEntry) {
    ApiKeyEntry::fresh("acme", "ci", vec!["fs:read".to_owned(), "fs:list".to_owned()], None)
        .expect("the members are right")
}

fn file(entries: &[&ApiKeyEntry]) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), json!(entries).to_string()).expect("the file is ours");
    file
}

/// A verifier with these keys and nothing else.
fn house(entries: &[&ApiKeyEntry]) -> (Verifier, NamedTempFile) {
    let file = file(entries);
    let settings = Settings { api_keys_file: Some(file.path().to_owned()), ..Settings::default() };
    (verifier(&settings), file)
}

fn told(text: &str) -> String {
    let file = NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("the file is ours");
    let settings = Settings { api_keys_file: Some(file.path().to_owned()), ..settings() };
    let error = Verifier::new(&settings).expect_err("must be refused").to_string();
    assert!(error.contains(file.path().to_str().expect("a path in UTF-8")), "{error}");
    error
}

#[test]
fn a_key_says_whose_it_is_and_what_may_be_done_with_it() {
    let (key, entry) = fresh();
    let (verifier, _file) = house(&[&fresh().1, &entry, &fresh().1]);
    let identity = verifier.verify(&key).unwrap();
    assert_eq!((identity.tenant(), identity.agent()), ("acme", "ci"));
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["fs:read", "fs:list"]);
    assert_eq!(identity.token_id(), Some(&*format!("mcpw_{}", entry.id)));
    assert_eq!(identity.expires_at(), None);
    assert!(size_of_val(&identity) <= 32);
    assert!(verifier.holds(&identity));
}

#[test]
fn a_key_holds_32_random_bytes_and_its_entry_none_of_them() {
    let keys: Vec<_> = (0..100).map(|_| fresh()).collect();
    let secrets: HashSet<&str> = keys.iter().map(|(key, _)| key.splitn(3, '_').nth(2).unwrap()).collect();
    assert_eq!(secrets.len(), keys.len());
    for (key, entry) in &keys {
        let secret = key.strip_prefix(&format!("mcpw_{}_", entry.id)).expect("mcpw_<id>_<secret>");
        assert_eq!(secret.len(), 43);
        assert!(!json!(entry).to_string().contains(secret));
        assert!(entry.hash.starts_with("sha256:") && entry.hash.len() == 71);
    }
}

#[test]
fn the_hash_is_that_of_the_whole_key() {
    let key = format!("mcpw_k_{}", "x".repeat(43));
    let text = r#"
# Made by sha256sum.
- id: k
  hash: sha256:HASH
  tenant: acme
  agent: ci
"#;
    let file = NamedTempFile::new().unwrap();
    let text = text.replace("HASH", SHA256_OF_KEY);
    std::fs::write(file.path(), text).unwrap();
    let settings = Settings { api_keys_file: Some(file.path().to_owned()), ..Settings::default() };
    let verifier = verifier(&settings);
    assert_eq!(verifier.verify(&key).unwrap().scopes().count(), 0);
}

#[test]
fn what_is_no_known_key_is_refused_with_the_same_words() {
    let ((key, entry), (other, another)) = (fresh(), fresh());
    let (verifier, _file) = house(&[&entry, &another]);
    let secret = other.splitn(3, '_').nth(2).unwrap();
    for wrong in [
        &fresh().0,
        &format!("mcpw_{}_{secret}", entry.id),
        &format!("mcpw__{secret}"),
        &format!("mcpw_{}_", entry.id),
        &format!("mcpw_{}", entry.id),
        &key[..key.len() - 1],
        &format!("{key}A"),
        &format!("{key} "),
        "mcpw_",
        "mcpw_a_b",
        &format!("mcpw_{}_{}", "a".repeat(65), "x".repeat(43)),
    ] {
        assert_eq!(verifier.verify(wrong), Err(Refusal::UnknownApiKey), "{wrong}");
    }
    assert_eq!(verifier.verify(&key.to_uppercase()), Err(Refusal::Malformed));
    assert_eq!(verifier.verify(&format!("{key}{}", "A".repeat(8_192))), Err(Refusal::TooLarge));
    // Without a file there is none to be known.
    assert_eq!(forge::verifier(&settings()).verify(&key), Err(Refusal::UnknownApiKey));
}

#[test]
fn a_weak_secret_is_no_key_whatever_the_file_says() {
    let key = "mcpw_k_password";
    let entry = ApiKeyEntry { id: "k".to_owned(), hash: format!("sha256:{SHA256_OF_WEAK_KEY}"), ..fresh().1 };
    let (verifier, _file) = house(&[&entry]);
    assert_eq!(verifier.verify(key), Err(Refusal::UnknownApiKey));
}

#[test]
fn a_key_ends_when_its_entry_says_so() {
    let ttl = Some(Duration::from_secs(600));
    let (key, entry) = ApiKeyEntry::fresh("acme", "ci", Vec::new(), ttl).unwrap();
    let expires_at = house(&[&entry]).0.verify(&key).unwrap().expires_at().unwrap();
    assert!((forge::now() + 590..=forge::now() + 600).contains(&expires_at));
    let past = ApiKeyEntry { expires: Some("2026-01-01T00:00:00Z".to_owned()), ..entry };
    assert_eq!(house(&[&past]).0.verify(&key), Err(Refusal::Expired));
    let stranger = fresh().0;
    assert_eq!(house(&[&past]).0.verify(&stranger), Err(Refusal::UnknownApiKey));
}

#[test]
fn a_key_that_is_taken_out_or_changed_holds_no_longer() {
    let ((key, entry), (kept, another)) = (fresh(), fresh());
    let (verifier, _file) = house(&[&entry, &another]);
    let (identity, stays) = (verifier.verify(&key).unwrap(), verifier.verify(&kept).unwrap());
    let keys = verifier.api_keys().unwrap();
    let install = |entries: &[&ApiKeyEntry]| keys.install(json!(entries).to_string().as_bytes()).unwrap();
    let replaced = ApiKeyEntry { hash: fresh().1.hash, ..entry.clone() };
    let changes = [
        ApiKeyEntry { scopes: Vec::new(), ..entry.clone() },
        ApiKeyEntry { tenant: "other".to_owned(), ..entry.clone() },
        ApiKeyEntry { agent: "other".to_owned(), ..entry.clone() },
        ApiKeyEntry { expires: Some("2999-01-01T00:00:00Z".to_owned()), ..entry.clone() },
        replaced,
    ];
    for changed in &changes {
        install(&[changed, &another]);
        assert!(!verifier.holds(&identity), "{changed:?}");
        assert!(verifier.holds(&stays));
        install(&[&another, &entry]);
        assert!(verifier.holds(&identity));
    }
    assert_eq!(install(&[&another]), 1);
    assert!(!verifier.holds(&identity));
    assert_eq!(verifier.verify(&key), Err(Refusal::UnknownApiKey));
    // A broken one changes nothing.
    for broken in ["", " \n", "[", "{}", "null", "- id: 1\n"] {
        assert!(keys.install(broken.as_bytes()).is_err(), "{broken:?}");
    }
    assert!(verifier.holds(&stays) && verifier.verify(&kept).is_ok());
    assert_eq!(install(&[]), 0);
    assert!(!verifier.holds(&stays));
}

#[test]
fn a_token_is_no_key_and_holds_whatever_the_file_says() {
    let (_, entry) = fresh();
    let file = file(&[&entry]);
    let settings = Settings { api_keys_file: Some(file.path().to_owned()), ..settings() };
    let verifier = verifier(&settings);
    let claims = forge::with(forge::claims(), "jti", json!(format!("mcpw_{}", entry.id)));
    let identity = verifier.verify(&forge::sign(&forge::header(), &claims)).unwrap();
    assert!(verifier.holds(&identity));
    verifier.api_keys().unwrap().install(b"[]").unwrap();
    assert!(verifier.holds(&identity));
}

#[test]
fn ten_thousand_keys_are_taken_and_no_more() {
    let ((key, last), (_, entry)) = (fresh(), fresh());
    let numbered = |number: usize| ApiKeyEntry {
        id: number.to_string(),
        scopes: (0..8).map(|scope| format!("scope:{scope}")).collect(),
        expires: Some("2999-01-01T00:00:00Z".to_owned()),
        ..entry.clone()
    };
    let mut entries: Vec<_> = (1..10_000).map(numbered).collect();
    entries.push(last);
    let (verifier, _file) = house(&entries.iter().collect::<Vec<_>>());
    assert!(verifier.verify(&key).is_ok());
    entries.push(entry.clone());
    assert!(told(&json!(entries).to_string()).contains("more than 10000 keys"));
}

#[test]
fn mistakes_in_the_file_are_told() {
    let check = |member: &str, value: Value, expected: &str| {
        let error = told(&json!([fresh().1, forge::with(json!(fresh().1), member, value)]).to_string());
        assert!(error.contains(expected), "{error}");
    };
    check("hash", json!("sha256:00"), "[1].hash must be sha256: and 64 hexadecimal digits");
    check("hash", json!("0".repeat(64)), "[1].hash must be");
    check("hash", json!(format!("sha256:{}", "g".repeat(64))), "[1].hash must be");
    check("id", json!("a_b"), "[1].id must have 1 to 64 letters");
    check("id", json!(""), "[1].id");
    check("tenant", json!(""), "[1].tenant must have 1 to 128");
    check("agent", json!("a\nb"), "[1].agent must have");
    check("scopes", json!(["a b"]), "[1].scopes must each be");
    check("expires", json!("tomorrow"), "[1].expires must be a moment of RFC 3339");
    check("tenant", Value::Null, "tenant");
    check("secret", json!("x"), "secret");
    let (_, entry) = fresh();
    assert!(told(&json!([entry, entry]).to_string()).contains("two keys have the id"));
    assert!(told("").contains("a file without keys is []"));
    assert!(told("- id: a\n  hash: [\n").contains("line"));
    let missing = Settings { api_keys_file: Some("/does/not/exist".into()), ..settings() };
    assert!(Verifier::new(&missing).unwrap_err().to_string().contains("/does/not/exist"));
    assert!(ApiKeyEntry::fresh("", "a", Vec::new(), None).unwrap_err().to_string().contains("tenant"));
    assert!(ApiKeyEntry::fresh("t", "a", vec![" ".to_owned()], None).is_err());
    assert!(ApiKeyEntry::fresh("t", "a", Vec::new(), Some(Duration::MAX)).is_err());
}

proptest! {
    #[test]
    fn no_change_of_one_byte_is_a_key(position: prop::sample::Index, byte in 0..128_u8) {
        static HOUSE: LazyLock<(Verifier, String)> = LazyLock::new(|| {
            let (key, entry) = fresh();
            (house(&[&entry]).0, key)
        });
        let (verifier, key) = &*HOUSE;
        prop_assert!(verifier.verify(key).is_ok());
        let mut changed = key.clone().into_bytes();
        let position = position.index(changed.len());
        prop_assume!(changed[position] != byte);
        changed[position] = byte;
        prop_assert!(verifier.verify(&String::from_utf8(changed).expect("it is ASCII")).is_err());
    }
}
