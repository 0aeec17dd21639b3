//! What an operator did wrong, in words that say which key, which file and what would be right.

use std::path::PathBuf;

use crate::Algorithm;

/// A configuration or a key that can't be used. Never caused by a client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A token is required, but no key could verify one.
    #[error(
        "auth.keys is empty, so no token could be valid: add a key, one of auth.issuers or auth.api_keys_file, or set \
         auth.required to false"
    )]
    NoKeys,
    /// A setting has a value that can't work.
    #[error("auth.{setting} {problem}")]
    Setting {
        /// The setting's name below `auth`.
        setting: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// A setting of an issuer has a value that can't work.
    #[error("{issuer}: {setting} {problem}")]
    Issuer {
        /// Where the issuer is configured, and its name.
        issuer: String,
        /// The setting's name below the issuer.
        setting: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// The published keys of an issuer can't be used.
    #[error("the keys of the issuer {issuer:?}: {problem}")]
    Jwks {
        /// The issuer's name.
        issuer: String,
        /// What is wrong with them.
        problem: JwksProblem,
    },
    /// The file of API keys can't be used.
    #[error("the API keys in {path}: {problem}", path = path.display())]
    ApiKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: ApiKeysProblem,
    },
    /// A rule for clients' certificates can't be used.
    #[error("tls.client_identities[{index}] {problem}")]
    CertificateRule {
        /// Which one, from 0.
        index: usize,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// A rule of authorization can't be used.
    #[error("authorization.rules[{index}].{list} {problem}")]
    Rule {
        /// Which one, from 0.
        index: usize,
        /// Which of its lists.
        list: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A backend that may register can't be used.
    #[error("registry.backends[{index}].{key} {problem}")]
    Registrant {
        /// Which one, from 0.
        index: usize,
        /// Which of its settings.
        key: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// An operator can't be used.
    #[error("admin.{list}[{index}].{key} {problem}")]
    Operator {
        /// The list in which they stand.
        list: &'static str,
        /// Which one, from 0.
        index: usize,
        /// Which of their settings.
        key: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// A file can't be read.
    #[error("can't read {path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A configured key can't be used.
    #[error("{key} ({algorithm}): {problem}")]
    Key {
        /// Where the key is configured, e.g. `auth.keys[0]`, with its id if it has one.
        key: String,
        /// The key's algorithm.
        algorithm: Algorithm,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// A key to sign with can't be used.
    #[error("the signing key ({algorithm}): {problem}")]
    SigningKey {
        /// The algorithm asked for.
        algorithm: Algorithm,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// A claim that the verifier would refuse.
    #[error("a token can't be minted: {claim} {problem}")]
    Claim {
        /// The claim.
        claim: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// The system has no randomness.
    #[error("the system has no randomness for a key")]
    Randomness,
    /// The signature could not be made.
    #[error("a token can't be signed")]
    Signing,
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// Nothing says where the key is.
    #[error("no key is given: set {0}")]
    Absent(&'static str),
    /// More than one source.
    #[error("more than one source of the key is given: set only one of {0}")]
    Ambiguous(&'static str),
    /// A source that this algorithm can't use.
    #[error("{field} does not fit this algorithm: set {right}")]
    Unfitting {
        /// The field that was set.
        field: &'static str,
        /// What to set.
        right: &'static str,
    },
    /// The id is empty or over 256 bytes.
    #[error("its id must have 1 to 256 bytes")]
    BadId,
    /// Another key has the same id.
    #[error("another key has the same id; a token's kid must name one key")]
    DuplicateId,
    /// Another key has the same algorithm, so this one could never be chosen.
    #[error("it needs an id, because another key has the same algorithm")]
    NeedsId,
    /// A file can't be read.
    #[error("can't read {path}: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A secret that can be guessed.
    #[error("the secret has {0} bytes; HS256 needs at least 32 random ones")]
    ShortSecret(usize),
    /// A PEM where a secret should be.
    #[error(
        "the secret is a PEM; for a key pair set algorithm to RS256, ES256 or EdDSA, and public_key or public_key_file"
    )]
    SecretIsPem,
    /// A key to sign with that nothing here signs with.
    #[error("such tokens are only verified here: sign them where they are issued")]
    NeverSigned,
    /// Not a PEM of the right kind.
    #[error("{origin} holds {found}; it must hold {expected}")]
    WrongPem {
        /// The file or field.
        origin: String,
        /// What was found.
        found: &'static str,
        /// What would be right.
        expected: &'static str,
    },
}

/// What is wrong with a JWK set.
#[derive(Debug, thiserror::Error)]
pub enum JwksProblem {
    /// No JSON, or no object with a list `keys`.
    #[error("no JWK set: {0}")]
    Malformed(serde_json::Error),
    /// More keys than anybody needs.
    #[error("the JWK set has more than {0} keys")]
    TooMany(usize),
    /// Two usable keys have the same id.
    #[error("the JWK set has two keys with the id {0:?}; a token's kid must name one key")]
    DuplicateId(String),
    /// No key to verify with by an accepted algorithm.
    #[error("the JWK set has no key for an accepted algorithm")]
    NoneUsable,
}

/// What is wrong with a file of API keys.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeysProblem {
    /// No list of entries.
    #[error("no list of keys: {0}")]
    Malformed(String),
    /// More keys than are kept in memory.
    #[error("there are more than {0} keys")]
    TooMany(usize),
    /// A member of an entry has a value that can't work.
    #[error("[{index}].{member} {problem}")]
    Entry {
        /// Which entry, from 0.
        index: usize,
        /// The member.
        member: &'static str,
        /// What is wrong, and what would be right.
        problem: &'static str,
    },
    /// Two entries have the same id.
    #[error("two keys have the id {0:?}")]
    DuplicateId(String),
}
