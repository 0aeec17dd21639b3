//! Whose tokens are taken: an issuer's keys and the rules that its tokens are held to, never those of another.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::claims::Rules;
use crate::error::Error;
use crate::keys::Keys;
use crate::source::Source;
use crate::token::Token;
use crate::{IssuerSettings, Origin, Refusal, Settings};

#[derive(Debug)]
pub(crate) struct Issuer {
    /// None for the settings outside of the list, which take whatever no other issuer takes.
    name: Option<String>,
    pub(crate) rules: Rules,
    keys: Held,
}

#[derive(Debug)]
enum Held {
    Fixed(Keys),
    Published(Arc<Source>),
}

impl Issuer {
    /// That of the settings outside of the list.
    pub(crate) fn own(settings: &Settings) -> Result<Self, Error> {
        let keys = Held::Fixed(Keys::load(&settings.keys, "auth.keys")?);
        Ok(Self { name: None, rules: Rules::new(settings), keys })
    }

    /// Those of the list.
    pub(crate) fn listed(settings: &Settings) -> Result<Vec<Self>, Error> {
        let all = &settings.issuers;
        let mut issuers = Vec::with_capacity(all.len());
        for (index, one) in all.iter().enumerate() {
            let wrong = |(setting, problem)| Error::Issuer {
                issuer: format!("auth.issuers[{index}] {:?}", one.issuer),
                setting,
                problem,
            };
            one.check().map_err(wrong)?;
            let taken = settings.issuer.as_ref() == Some(&one.issuer);
            if taken || all[..index].iter().any(|other| other.issuer == one.issuer) {
                return Err(wrong(("issuer", "must be another than those of all other issuers")));
            }
            issuers.push(Self {
                name: Some(one.issuer.clone()),
                rules: Rules::of_issuer(one, settings.leeway_s),
                keys: Held::load(one, index)?,
            });
        }
        Ok(issuers)
    }

    /// Whether a token of this payload is for this issuer to check. The payload is not believed: what it claims is
    /// held against the rules once the signature holds.
    pub(crate) fn is_named(&self, iss: Option<&str>) -> bool {
        iss.is_some() && self.name.as_deref() == iss
    }

    pub(crate) fn check_signature(&self, token: &Token<'_>) -> Result<(), Refusal> {
        match &self.keys {
            Held::Fixed(keys) => keys.check(token),
            // A key that is passed over is not one that nobody has: whoever set the algorithms can tell.
            Held::Published(source) if !source.takes(token.header.algorithm) => Err(Refusal::WrongAlgorithm),
            Held::Published(source) => source.keys().check(token),
        }
    }

    /// Where its keys come from, if they change.
    pub(crate) fn source(&self) -> Option<&Arc<Source>> {
        match &self.keys {
            Held::Fixed(_) => None,
            Held::Published(source) => Some(source),
        }
    }
}

impl Held {
    fn load(one: &IssuerSettings, index: usize) -> Result<Self, Error> {
        let Some(source) = Source::of(one) else {
            return Keys::load(&one.keys, &format!("auth.issuers[{index}].keys")).map(Self::Fixed);
        };
        if let Origin::File(path) = source.origin() {
            let jwks =
                std::fs::read(path).map_err(|reason| Error::Unreadable { path: path.clone(), reason })?;
            source.install(&jwks)?;
        }
        Ok(Self::Published(Arc::new(source)))
    }
}

/// The `iss` that a payload claims, nothing of it believed, and nothing allocated for it where it is plain text.
pub(crate) fn claimed(payload: &[u8]) -> Option<Cow<'_, str>> {
    #[derive(Deserialize)]
    struct Claimed<'a> {
        #[serde(borrow)]
        iss: Option<Cow<'a, str>>,
    }
    serde_json::from_slice::<Claimed<'_>>(payload).ok()?.iss
}
