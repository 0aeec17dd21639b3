//! A key of a machine: how its text looks, and what a file keeps of it. It refuses to know files.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::claims::{LATEST, is_name, is_scope};
use crate::verifier::now;
use crate::{Error, Identity, moment};

/// What every API key begins with, and no JWT and no PASETO.
pub(crate) const PREFIX: &str = "mcpw_";
const SECRET_BYTES: usize = 32;
/// What so many bytes take in base64url.
const SECRET_MINIMUM: usize = 43;
const ID_LIMIT: usize = 64;
const HASH_PREFIX: &str = "sha256:";

/// SHA-256 of the whole text of a key. The secret in it is 32 random bytes, which nobody can try out, so a hash that is
/// slow on purpose would only cost time.
pub(crate) type Hash = [u8; 32];

/// An entry of the file of API keys: whose a key is, and its hash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyEntry {
    /// Names the key, and is part of it: 1 to 64 letters, digits and hyphens.
    pub id: String,
    /// `sha256:` and 64 hexadecimal digits: the hash of the whole key.
    pub hash: String,
    /// The tenant: 1 to 128 bytes without control characters.
    pub tenant: String,
    /// The agent: 1 to 128 bytes without control characters.
    pub agent: String,
    /// What the agent may do, each scope as in a token; `*` grants everything. Default none.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The moment from which the key counts no more, as in RFC 3339. Default never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

impl ApiKeyEntry {
    /// A fresh key, whose text nobody can learn again, and its entry. Without `ttl` it never expires.
    ///
    /// # Errors
    ///
    /// [`Error::Claim`]: a gateway would refuse the entry. [`Error::Randomness`].
    pub fn fresh(
        tenant: &str,
        agent: &str,
        scopes: Vec<String>,
        ttl: Option<Duration>,
    ) -> Result<(String, Self), Error> {
        let mut bytes = [0; SECRET_BYTES + 8];
        getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
        let (id, secret) = bytes.split_at(8);
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{PREFIX}{id}_{}", URL_SAFE_NO_PAD.encode(secret));
        let hash = hash_of(&key).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let expires = ttl.map(|ttl| now().saturating_add(ttl.as_secs())).map(|at| {
            let at = i64::try_from(at).ok().and_then(|at| Timestamp::from_second(at).ok());
            at.map(|at| at.to_string())
                .ok_or(Error::Claim { claim: "the time to live", problem: "must end before the year 10000" })
        });
        let entry = Self {
            id,
            hash: format!("{HASH_PREFIX}{hash}"),
            tenant: tenant.to_owned(),
            agent: agent.to_owned(),
            scopes,
            expires: expires.transpose()?,
        };
        match entry.read() {
            Ok(_) => Ok((key, entry)),
            Err((claim, problem)) => Err(Error::Claim { claim, problem }),
        }
    }

    /// The hash, and who holds the key; or the member that is wrong, and what would be right.
    pub(crate) fn read(&self) -> Result<(Hash, Identity), (&'static str, &'static str)> {
        const NAME: &str = "must have 1 to 128 bytes and no control characters";
        const HASH: (&str, &str) = ("hash", "must be sha256: and 64 hexadecimal digits");
        let check = |member, fits: bool, problem| if fits { Ok(()) } else { Err((member, problem)) };
        check("id", is_id(&self.id), "must have 1 to 64 letters, digits and hyphens")?;
        check("tenant", is_name(&self.tenant), NAME)?;
        check("agent", is_name(&self.agent), NAME)?;
        let scopes_fit = self.scopes.iter().all(|scope| is_scope(scope));
        check("scopes", scopes_fit, "must each be printable ASCII without spaces, quotes and backslashes")?;
        let expires_at = match &self.expires {
            // No moment is 0: that is never.
            Some(text) => moment::parse(text)
                .filter(|at| (1..=LATEST).contains(at))
                .ok_or(("expires", "must be a moment of RFC 3339, such as 2027-01-31T12:00:00Z"))?,
            None => 0,
        };
        let hash = read_hash(&self.hash).ok_or(HASH)?;
        let [a, b, c, d, ..] = hash;
        let scopes = self.scopes.iter().map(String::as_str);
        let identity = Identity::new(&self.tenant, &self.agent, &token_id(&self.id), scopes, expires_at);
        Ok((hash, identity.with_seal([a, b, c, d])))
    }
}

/// What an identity has in place of a token's `jti`.
pub(crate) fn token_id(id: &str) -> String {
    format!("{PREFIX}{id}")
}

/// The id in the text of a key; none if the text can't be that of one.
pub(crate) fn id_of(key: &str) -> Option<&str> {
    let (id, secret) = key.strip_prefix(PREFIX)?.split_once('_')?;
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (is_id(id) && secret.len() >= SECRET_MINIMUM && secret.bytes().all(fits)).then_some(id)
}

/// A hash as it is written: `sha256:` and 64 hexadecimal digits.
pub(crate) fn read_hash(text: &str) -> Option<Hash> {
    text.strip_prefix(HASH_PREFIX).and_then(unhex)
}

pub(crate) fn hash_of(key: &str) -> Hash {
    Sha256::digest(key).into()
}

fn is_id(id: &str) -> bool {
    (1..=ID_LIMIT).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn unhex(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    if text.len() != 2 * hash.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(hash)
}
