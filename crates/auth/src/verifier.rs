//! From a token's text to an identity: size, shape, key, signature, claims, in this order.
//! It refuses to know where the text came from.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::api_key;
use crate::issuer::{self, Issuer};
use crate::object::Object;
use crate::token::Token;
use crate::{ApiKeys, Error, Identity, Refusal, Settings, Source};

const LEEWAY_LIMIT_S: u64 = 86_400;
const WAIT_LIMIT_MS: u64 = 60_000;
const REVOCATION_LIMIT_MS: u64 = 31 * 86_400_000;

/// Checks tokens against the operator's settings. Built once, shared by all threads.
#[derive(Debug)]
pub struct Verifier {
    required: bool,
    max_token_bytes: usize,
    /// What takes the tokens that are none of the others'.
    own: Issuer,
    issuers: Vec<Issuer>,
    api_keys: Option<Arc<ApiKeys>>,
    wait: Duration,
}

/// Why not; and where the key could come from that was not there.
struct Unverified<'a>(Refusal, Option<&'a Source>);

impl From<Refusal> for Unverified<'_> {
    fn from(refusal: Refusal) -> Self {
        Self(refusal, None)
    }
}

impl Verifier {
    /// Reads the keys, from files where the settings say so.
    ///
    /// # Errors
    ///
    /// Everything about the settings that could not work: see [`Error`]. It names the setting, the key and the file.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let has_none = settings.keys.is_empty() && settings.issuers.is_empty();
        if settings.required && has_none && settings.api_keys_file.is_none() {
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
        setting("agent_claim", settings.agent_claim.is_empty(), "must name a claim")?;
        setting("scopes_claim", settings.scopes_claim.is_empty(), "must name a claim")?;
        setting("issuer", settings.issuer.as_deref() == Some(""), "must not be empty: leave it out")?;
        setting("audience", settings.audience.as_deref() == Some(""), "must not be empty: leave it out")?;
        setting("key_wait_ms", settings.key_wait_ms > WAIT_LIMIT_MS, "must be at most 60000 (a minute)")?;
        let is_beyond = !(1..=REVOCATION_LIMIT_MS).contains(&settings.revocation_ttl_ms);
        setting("revocation_ttl_ms", is_beyond, "must be 1 to 2678400000 (31 days)")?;
        settings.tickets.check()?;
        Ok(Self {
            required: settings.required,
            max_token_bytes: settings.max_token_bytes,
            own: Issuer::own(settings)?,
            issuers: Issuer::listed(settings)?,
            api_keys: settings.api_keys_file.as_deref().map(ApiKeys::load).transpose()?.map(Arc::new),
            wait: Duration::from_millis(settings.key_wait_ms),
        })
    }

    /// Checks a token or an API key, without the word `Bearer` or anything else around it, against the clock of this
    /// moment.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Nothing is said about the claims of a token whose signature is not valid.
    /// A key that its issuer may have published since is asked for, but not waited for.
    pub fn verify(&self, token: &str) -> Result<Identity, Refusal> {
        self.check(token).map_err(|Unverified(refusal, source)| {
            if let Some(source) = source {
                source.want();
            }
            refusal
        })
    }

    /// As [`Self::verify`], and where the token names a key that its issuer may have published since, the keys are
    /// awaited for as long as the settings say, unless they have just been fetched.
    ///
    /// # Errors
    ///
    /// As [`Self::verify`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn verify_patiently(&self, token: &str) -> Result<Identity, Refusal> {
        match self.check(token) {
            Err(Unverified(_, Some(source))) => {
                // Whoever has waited for an attempt does not ask for another.
                if source.refreshed(self.wait).await {
                    return self.check(token).map_err(|Unverified(refusal, _)| refusal);
                }
                self.verify(token)
            }
            checked => checked.map_err(|Unverified(refusal, _)| refusal),
        }
    }

    /// The published keys that have to be followed while tokens are checked.
    pub fn sources(&self) -> impl Iterator<Item = &Arc<Source>> {
        self.issuers.iter().filter_map(Issuer::source)
    }

    /// Takes the published keys of another verifier's issuers with the same settings, until they have been fetched.
    pub fn inherit(&self, other: &Self) {
        for source in self.sources() {
            if let Some(same) = other.sources().find(|other| other.settings() == source.settings()) {
                source.inherit(same);
            }
        }
    }

    /// The API keys, whose file has to be followed.
    pub fn api_keys(&self) -> Option<&Arc<ApiKeys>> {
        self.api_keys.as_ref()
    }

    /// Whether an identity that was verified before is still one: false if its API key was withdrawn or changed since.
    /// Time is not looked at.
    pub fn holds(&self, identity: &Identity) -> bool {
        !identity.is_of_api_key() || self.api_keys.as_ref().is_some_and(|keys| keys.holds(identity))
    }

    fn check(&self, token: &str) -> Result<Identity, Unverified<'_>> {
        if token.is_empty() {
            return Err(Refusal::Missing.into());
        }
        if token.len() > self.max_token_bytes {
            return Err(Refusal::TooLarge.into());
        }
        if token.starts_with(api_key::PREFIX) {
            let keys = self.api_keys.as_ref().ok_or(Refusal::UnknownApiKey)?;
            return Ok(keys.identify(token, now())?);
        }
        let token = Token::parse(token)?;
        let issuer = self.issuer_of(token.payload());
        issuer.check_signature(&token).map_err(|refusal| {
            let asks = refusal == Refusal::UnknownKey;
            let source = issuer.source().filter(|source| asks && source.could_have(&token.header));
            Unverified(refusal, source.map(Arc::as_ref))
        })?;
        let claims: Object = serde_json::from_slice(token.payload()).map_err(|_| Refusal::Malformed)?;
        Ok(issuer.rules.identity(&claims, token.dates(), now())?)
    }

    /// Who checks a token of this payload.
    fn issuer_of(&self, payload: &[u8]) -> &Issuer {
        if self.issuers.is_empty() {
            return &self.own;
        }
        let claimed = issuer::claimed(payload);
        self.issuers.iter().find(|issuer| issuer.is_named(claimed.as_deref())).unwrap_or(&self.own)
    }

    /// The identity of a client without a token; none where a token is required.
    pub fn anonymous(&self) -> Option<Identity> {
        (!self.required).then(Identity::anonymous)
    }
}

/// Unix seconds. A clock before 1970 makes every token not valid yet or valid for its time, never a panic.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
