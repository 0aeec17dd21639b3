//! The published keys of one issuer, which change while the gateway runs. It refuses to fetch them: somebody brings
//! them, and it says when they are due.

use std::path::PathBuf;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::header::Header;
use crate::keys::Keys;
use crate::{Algorithm, Error, IssuerSettings, jwks};

/// Where an issuer's published keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In this file.
    File(PathBuf),
    /// At this address.
    Url(String),
    /// Where its OpenID configuration says.
    Discovery,
}

/// The published keys of one issuer. Tokens are checked with the last set that was good.
#[derive(Debug)]
pub struct Source {
    settings: IssuerSettings,
    origin: Origin,
    algorithms: Vec<Algorithm>,
    keys: ArcSwap<Keys>,
    standing: watch::Sender<Standing>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    /// How many attempts to bring keys have ended, well or not.
    attempts: u64,
    /// The last attempt is so short ago that nobody can ask for another.
    resting: bool,
    /// A token named a key that is not there.
    wanted: bool,
}

impl Source {
    /// None if the keys stand in the settings themselves.
    pub(crate) fn of(settings: &IssuerSettings) -> Option<Self> {
        let origin = match (&settings.jwks_file, &settings.jwks_url, settings.discover) {
            (Some(path), _, _) => Origin::File(path.clone()),
            (_, Some(url), _) => Origin::Url(url.clone()),
            (_, _, true) => Origin::Discovery,
            _ => return None,
        };
        Some(Self {
            settings: settings.clone(),
            origin,
            algorithms: settings.published_algorithms(),
            keys: ArcSwap::default(),
            standing: watch::Sender::default(),
        })
    }

    /// Where the keys are.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The issuer's settings.
    pub fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// Takes a JWK set from now on, instead of the last one, and says how many keys of it can be used.
    ///
    /// # Errors
    ///
    /// [`Error::Jwks`]: it is none, or no key of it can be used. Then the last set stays.
    pub fn install(&self, jwks: &[u8]) -> Result<usize, Error> {
        let keys = jwks::parse(jwks, &self.algorithms)
            .map_err(|problem| Error::Jwks { issuer: self.settings.issuer.clone(), problem })?;
        let count = keys.len();
        self.keys.store(keys.into());
        Ok(count)
    }

    /// Takes the keys of another source, unless it has some already.
    pub(crate) fn inherit(&self, other: &Self) {
        if self.keys.load().len() == 0 {
            self.keys.store(other.keys.load_full());
        }
    }

    /// Says that an attempt to bring keys has ended, well or not, and comes back when the next is due: after `next`,
    /// or once a token names a key that is not there, but never before `rest` is over. So whatever tokens come, there
    /// is one attempt in that time.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost, but until it is called again nobody can ask for an attempt.
    pub async fn until_due(&self, rest: Duration, next: Duration) {
        self.standing.send_modify(|standing| {
            *standing = Standing { attempts: standing.attempts + 1, resting: true, wanted: false };
        });
        sleep(rest).await;
        self.standing.send_modify(|standing| standing.resting = false);
        let mut standing = self.standing.subscribe();
        let wanted = standing.wait_for(|standing| standing.wanted);
        // Whichever it was, an attempt is due.
        let _ = timeout(next.saturating_sub(rest), wanted).await;
    }

    /// Whether tokens may be signed by this algorithm.
    pub(crate) fn takes(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(&algorithm)
    }

    /// Whether a key that is published there could be the one that this header means.
    pub(crate) fn could_have(&self, header: &Header) -> bool {
        header.kid.is_some() && self.takes(header.algorithm)
    }

    pub(crate) fn keys(&self) -> arc_swap::Guard<std::sync::Arc<Keys>> {
        self.keys.load()
    }

    /// Asks for an attempt, as soon as one is allowed.
    pub(crate) fn want(&self) {
        self.standing.send_if_modified(|standing| !std::mem::replace(&mut standing.wanted, true));
    }

    /// Asks for an attempt and waits until one has ended, for up to `limit`. False if none was asked for, as the last
    /// one is so short ago that the next has to wait.
    pub(crate) async fn refreshed(&self, limit: Duration) -> bool {
        let mut standing = self.standing.subscribe();
        let before = *standing.borrow_and_update();
        if before.resting {
            return false;
        }
        self.want();
        let ended = standing.wait_for(|standing| standing.attempts != before.attempts);
        // In vain or not, it was asked for.
        let _ = timeout(limit, ended).await;
        true
    }
}
