//! Who is knocking and what may they do: tokens and API keys in, identities out.
//!
//! The only room that can build an [`Identity`], and the only one that knows the libraries of tokens.
//! It refuses to know sockets, HTTP and sessions: the gateway brings the text of a token, or a certificate that a
//! client has proved to be its own, and takes away an identity, or a [`Refusal`] and the words to answer with.

use std::path::Path;

pub use api_key::ApiKeyEntry;
pub use api_keys::ApiKeys;
pub use certificate::{CertificateRule, CertificateRules, certificate_expiry};
pub use error::{ApiKeysProblem, Error, JwksProblem, KeyProblem};
pub use identity::Identity;
pub use issuer_settings::{IssuerSettings, is_trustworthy};
pub use operator::{OperatorCertificate, OperatorToken, Operators, Recognised, Role, Unrecognised};
pub use refusal::Refusal;
pub use registrant::{Proven, Registrant, RegistrantSettings, Registrants, Unproven};
pub use rules::{Authorization, AuthorizationRule, Denial, Effect, Permit, Rules};
pub use settings::{Algorithm, KeySettings, Settings};
pub use signature::{Covered, Forgery, SignatureKey, Signatures};
pub use signer::{Claims, Signer};
pub use source::{Origin, Source};
pub use ticket_settings::TicketSettings;
pub use verifier::Verifier;

mod api_key;
mod api_keys;
mod certificate;
mod claims;
mod error;
mod header;
mod identity;
mod issuer;
mod issuer_settings;
mod jwks;
mod keys;
mod material;
mod moment;
mod object;
mod operator;
mod proof;
mod refusal;
mod registrant;
mod rules;
mod settings;
mod signature;
mod signer;
mod source;
mod ticket;
mod ticket_settings;
mod token;
mod verifier;

/// Reads the bytes of a shared secret from a file.
///
/// One line break at the end is dropped, because editors and `echo` add one and nobody means it.
///
/// # Errors
///
/// [`Error::Unreadable`] with the path.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, Error> {
    material::read_secret(path).map_err(|reason| Error::Unreadable { path: path.to_owned(), reason })
}
