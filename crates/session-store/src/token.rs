//! The secret with which a client takes its session back. Only the client holds it; a store holds its hash.
use std::fmt;
use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::{Error, SessionId};

/// 256 random bits that are given to the client alone. It prints as nothing but its type.
#[derive(Clone)]
pub struct ResumeToken([u8; 32]);

impl ResumeToken {
    /// A token that nobody can guess.
    ///
    /// # Errors
    /// [`Error::Randomness`] where the operating system gives none.
    pub fn fresh() -> Result<Self, Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| Error::Randomness)?;
        Ok(Self(bytes))
    }

    /// The token that a client presents; `None` if it is none at all.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 43 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The token as the client gets it: 43 characters of unpadded base64url.
    pub fn reveal(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The token that follows on this one in an attempt that the client names: whoever knows both can make the attempt
    /// once more, and gets the same token.
    #[must_use]
    pub fn next(&self, attempt: &str) -> Self {
        let digest =
            Sha256::new().chain_update(b"mcpw resume").chain_update(self.0).chain_update(attempt).finalize();
        Self(digest.into())
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What a store keeps: SHA-256 over the session's id, as salt, and the token.
    pub fn hash(&self, session: SessionId) -> TokenHash {
        let digest = Sha256::new().chain_update(session.0.as_bytes()).chain_update(self.0).finalize();
        TokenHash(digest.into())
    }
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken(..)")
    }
}

/// The salted hash of a [`ResumeToken`]. Compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The bytes to store.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(&other.0).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        black_box(difference) == 0
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}
