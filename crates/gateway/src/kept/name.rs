//! What calls are named that outlive their request. Whoever knows tenant, agent and name finds a call in the journal, and
//! nobody else does.

use auth::Identity;
use session_store::{ResumeToken, SessionId};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The version of a UUID that is made of something else.
const DERIVED: usize = 8;

/// Whether more than one may wait for the calls of this session: its name is a call's.
pub(crate) fn is_shared(session: SessionId) -> bool {
    session.0.get_version_num() == DERIVED
}

/// Which call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallId(Uuid);

impl CallId {
    /// One that nobody else has.
    pub(crate) fn fresh() -> Self {
        Self(Uuid::now_v7())
    }

    /// That of the holder's idempotency key.
    pub(crate) fn of_key(identity: &Identity, key: &str) -> Self {
        Self(derived("mcpw idempotency key", identity, key.as_bytes()))
    }

    /// As it stands in a URL.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().filter(|id| id.hyphenated().to_string() == text).map(Self)
    }

    /// The session that has the call in its journal, and no other call.
    pub(crate) fn session(self, identity: &Identity) -> SessionId {
        SessionId(derived("mcpw call", identity, self.0.as_bytes()))
    }

    /// What the call is called in that journal.
    pub(crate) fn request(self) -> String {
        format!("\"{self}\"")
    }
}

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

fn derived(what: &str, identity: &Identity, name: &[u8]) -> Uuid {
    // Neither tenants nor agents have control characters.
    let digest = Sha256::new()
        .chain_update(what)
        .chain_update([0])
        .chain_update(identity.tenant())
        .chain_update([0])
        .chain_update(identity.agent())
        .chain_update([0])
        .chain_update(name)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What a request is told from another by that has the same key: as a token, which the store compares.
pub(crate) fn fingerprint(parts: &[&[u8]]) -> Option<ResumeToken> {
    use base64::Engine as _;
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    ResumeToken::parse(&base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(digest.finalize()))
}
