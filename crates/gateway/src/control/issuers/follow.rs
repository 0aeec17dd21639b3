//! One issuer's keys, followed for as long as the gateway runs. Whatever goes wrong, the last good set stays.

use super::Failure;
use super::fetch::{Client, Fetched};
use crate::config::ms;
use crate::control::file;
use auth::{Origin, Source, Verifier};
use futures_util::future::try_join_all;
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// How often a file is looked at, and how often at most.
const FILE_NEXT: Duration = Duration::from_secs(1);
const FILE_REST: Duration = Duration::from_millis(100);

/// Follows one source.
pub(crate) struct Follower {
    source: Arc<Source>,
    /// None for a file.
    client: Option<Client>,
    /// The last set that came, good or not, so that the same is not judged twice.
    seen: Vec<u8>,
    /// The last failure that was told.
    told: String,
}

/// Followers of all published keys, after a first attempt at each. A server that can't be reached is no error: its
/// issuer's tokens are refused until it can.
///
/// # Errors
/// The issuer, and what no waiting can mend.
///
/// # Cancel safety
/// Nothing is kept.
pub(crate) async fn start(verifier: &Verifier) -> Result<Vec<(Follower, Duration)>, (String, Failure)> {
    try_join_all(verifier.sources().map(|source| async {
        let issuer = || source.settings().issuer.clone();
        let mut follower = Follower::new(Arc::clone(source)).map_err(|failure| (issuer(), failure))?;
        match follower.attempt().await {
            Err(failure) if failure.is_mistake() => Err((issuer(), failure)),
            outcome => {
                let next = follower.told(outcome);
                Ok((follower, next))
            }
        }
    }))
    .await
}

impl Follower {
    fn new(source: Arc<Source>) -> Result<Self, Failure> {
        let settings = source.settings();
        let client = match source.origin() {
            Origin::File(_) => None,
            Origin::Url(_) | Origin::Discovery => {
                Some(Client::new(settings.ca_file.as_deref(), ms(settings.fetch_timeout_ms))?)
            }
        };
        Ok(Self { source, client, seen: Vec::new(), told: String::new() })
    }

    /// Goes on for as long as it is polled; the next attempt is due after `next`.
    pub(crate) async fn run(mut self, mut next: Duration) {
        let rest = self.client.as_ref().map_or(FILE_REST, |_| ms(self.source.settings().min_refresh_ms));
        loop {
            self.source.until_due(rest, next).await;
            let outcome = self.attempt().await;
            next = self.told(outcome);
        }
    }

    /// Brings the keys; when they are to be brought again.
    async fn attempt(&mut self) -> Result<Duration, Failure> {
        let source = Arc::clone(&self.source);
        let (jwks, next) = match (source.origin(), &self.client) {
            (Origin::File(path), _) => {
                let read = file::read(path).await;
                (read.map_err(|reason| Failure::File { path: path.clone(), reason })?, FILE_NEXT)
            }
            (Origin::Url(address), Some(client)) => self.fetched(client.get(address).await?),
            (Origin::Discovery, Some(client)) => {
                let address = discover(client, &source.settings().issuer).await?;
                self.fetched(client.get(&address).await?)
            }
            (Origin::Url(_) | Origin::Discovery, None) => return Ok(FILE_NEXT),
        };
        if jwks != self.seen {
            self.seen.clone_from(&jwks);
            let keys = source.install(&jwks)?;
            tracing::info!(issuer = source.settings().issuer, keys, "an issuer's keys were read");
        }
        Ok(next)
    }

    /// Ahead of the time at which the server calls them stale, and within the operator's bounds.
    fn fetched(&self, fetched: Fetched) -> (Vec<u8>, Duration) {
        let settings = self.source.settings();
        let next = due(fetched.fresh, ms(settings.min_refresh_ms), ms(settings.max_refresh_ms));
        (fetched.body.into(), next)
    }

    /// Logs a failure once for as long as it stays the same; when the next attempt is due.
    fn told(&mut self, outcome: Result<Duration, Failure>) -> Duration {
        let error = match outcome {
            Ok(next) => {
                self.told.clear();
                return next;
            }
            Err(failure) => failure.to_string(),
        };
        if error != self.told {
            let issuer = &self.source.settings().issuer;
            tracing::error!(issuer, error, "an issuer's keys were not read; the last good ones stay");
            self.told = error;
        }
        match self.client {
            Some(_) => ms(self.source.settings().min_refresh_ms),
            None => FILE_NEXT,
        }
    }
}

/// When what is fresh for so long is brought again. A server may name any time, also one that can't be added to.
pub(super) fn due(fresh: Option<Duration>, min: Duration, max: Duration) -> Duration {
    fresh.map_or(max, |fresh| (fresh.saturating_mul(4) / 5).clamp(min, max))
}

/// Where the issuer's OpenID configuration says that its keys are.
async fn discover(client: &Client, issuer: &str) -> Result<String, Failure> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let fetched = client.get(&address).await?;
    keys_address(issuer, &address, &fetched.body)
}

/// Where this OpenID configuration, which came from `address`, says that the issuer's keys are.
pub(super) fn keys_address(issuer: &str, address: &str, configuration: &[u8]) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Document {
        issuer: String,
        jwks_uri: String,
    }
    let document: Document = serde_json::from_slice(configuration).map_err(|error| Failure::Fetch {
        address: address.to_owned(),
        reason: format!("no OpenID configuration: {error}"),
    })?;
    if document.issuer != issuer {
        return Err(Failure::WrongIssuer {
            address: address.to_owned(),
            found: document.issuer,
            issuer: issuer.to_owned(),
        });
    }
    // Nobody far away has this machine ask itself.
    let turns_inward = address.starts_with("https:") && !document.jwks_uri.starts_with("https:");
    if turns_inward || !auth::is_trustworthy(&document.jwks_uri) {
        return Err(Failure::WrongAddress { address: address.to_owned(), found: document.jwks_uri });
    }
    Ok(document.jwks_uri)
}
