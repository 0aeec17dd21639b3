//! Whom the shard lets in, and whom it recognises no more.

use super::Shard;
use auth::{Identity, Refusal};

impl Shard {
    /// Whose token it is, unless it was revoked; see [`auth::Verifier::verify`].
    pub(crate) fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        self.terms().verifier.verify(token).and_then(|identity| self.unrevoked(identity))
    }

    /// Whose token it is, unless it was revoked; see [`auth::Verifier::verify_patiently`].
    pub(crate) async fn verify_patiently(&self, token: &str) -> Result<Identity, Refusal> {
        let terms = self.terms();
        terms.verifier.verify_patiently(token).await.and_then(|identity| self.unrevoked(identity))
    }

    /// The identity of a client without a token, if one may come in.
    pub(crate) fn anonymous(&self) -> Result<Identity, Refusal> {
        self.terms()
            .verifier
            .anonymous()
            .ok_or(Refusal::Missing)
            .and_then(|identity| self.unrevoked(identity))
    }

    /// Why an identity that was verified before is not recognised any more; none if it still is.
    pub(crate) fn disowned(&self, identity: &Identity) -> Option<&'static str> {
        if self.pod.revoked.load().has(identity) {
            return Some("the token was revoked");
        }
        (!self.terms().verifier.holds(identity)).then_some("the API key was withdrawn")
    }

    /// The identity, unless it was revoked.
    pub(crate) fn unrevoked(&self, identity: Identity) -> Result<Identity, Refusal> {
        if self.pod.revoked.load().has(&identity) { Err(Refusal::Revoked) } else { Ok(identity) }
    }
}
