//! From a token's text to an identity: size, shape, key, signature, claims, in this order.
//! It refuses to know where the text came from.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::claims::Rules;
use crate::header::Header;
use crate::keys::Keys;
use crate::object::Object;
use crate::{Error, Identity, Refusal, Settings};

const LEEWAY_LIMIT_S: u64 = 86_400;

/// Checks tokens against the operator's settings. Built once, shared by all threads.
#[derive(Debug)]
pub struct Verifier {
    required: bool,
    max_token_bytes: usize,
    keys: Keys,
    rules: Rules,
}

impl Verifier {
    /// Reads the keys, from files where the settings say so.
    ///
    /// # Errors
    ///
    /// Everything about the settings that could not work: see [`Error`]. It names the setting, the key and the file.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        if settings.required && settings.keys.is_empty() {
            return Err(Error::NoKeys);
        }
        Self::beside_certificates(settings)
    }

    /// As [`Self::new`], where clients may come with certificates too: then there need be no key.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn beside_certificates(settings: &Settings) -> Result<Self, Error> {
        let setting = |setting, wrong: bool, problem| match wrong {
            true => Err(Error::Setting { setting, problem }),
            false => Ok(()),
        };
        setting("leeway_s", settings.leeway_s > LEEWAY_LIMIT_S, "must be at most 86400 (a day)")?;
        setting("max_token_bytes", settings.max_token_bytes == 0, "must be at least 1")?;
        setting("tenant_claim", settings.tenant_claim.is_empty(), "must name a claim")?;
        setting("scopes_claim", settings.scopes_claim.is_empty(), "must name a claim")?;
        setting("issuer", settings.issuer.as_deref() == Some(""), "must not be empty: leave it out")?;
        setting("audience", settings.audience.as_deref() == Some(""), "must not be empty: leave it out")?;
        Ok(Self {
            required: settings.required,
            max_token_bytes: settings.max_token_bytes,
            keys: Keys::load(&settings.keys)?,
            rules: Rules::new(settings),
        })
    }

    /// Checks a token, without the word `Bearer` or anything else around it, against the clock of this moment.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Nothing is said about the claims of a token whose signature is not valid.
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        if token.is_empty() {
            return Err(Refusal::Missing);
        }
        if token.len() > self.max_token_bytes {
            return Err(Refusal::TooLarge);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
        let header = Header::parse(&decode(header)?)?;
        let payload = decode(payload)?;
        let key = self.keys.choose(&header)?;
        // The algorithm given here is the key's own, and the library refuses a key of another family. Its checks of
        // claims are not used: they pass over an `iss`, `aud` or `nbf` of the wrong type.
        match jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &key.material,
            key.algorithm.as_library(),
        ) {
            Ok(true) => {}
            Ok(false) => return Err(Refusal::BadSignature),
            Err(_) => return Err(Refusal::Malformed),
        }
        let claims: Object = serde_json::from_slice(&payload).map_err(|_| Refusal::Malformed)?;
        self.rules.identity(&claims, now())
    }

    /// The identity of a client without a token; none where a token is required.
    pub fn anonymous(&self) -> Option<Identity> {
        (!self.required).then(Identity::anonymous)
    }
}

/// Base64url without padding, canonical: every text has one spelling only.
fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

/// Unix seconds. A clock before 1970 makes every token not valid yet or valid for its time, never a panic.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
