//! Where the client's token comes from, and when the next one is due. Checks no token: that is the gateway's to do.

use std::fmt::{self, Display};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::Error;
use crate::waiting::lock;

/// However short the life of a token, so long lies between two refreshes.
const PAUSE: Duration = Duration::from_secs(1);

type Source = dyn Fn() -> Pin<Box<dyn Future<Output = Result<String, Error>> + Send>> + Send + Sync;

/// The token of a client.
#[derive(Clone)]
pub(crate) enum Token {
    None,
    /// The same until [`Client::refresh`](crate::Client::refresh) brings another.
    Fixed(Arc<Mutex<String>>),
    /// A fresh one whenever one is needed.
    Source(Arc<Source>),
}

impl Token {
    pub(crate) fn fixed(token: String) -> Self {
        Self::Fixed(Arc::new(Mutex::new(token)))
    }

    pub(crate) fn source<F, E>(source: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: Display,
    {
        Self::Source(Arc::new(move || {
            let token = source();
            Box::pin(async move { token.await.map_err(|error| Error::Token(error.to_string())) })
        }))
    }

    /// The same token for a client of its own: what one is told by [`Token::replace`] is not for others.
    pub(crate) fn detached(&self) -> Self {
        match self {
            Self::Fixed(token) => Self::fixed(lock(token).clone()),
            other => other.clone(),
        }
    }

    /// Whether asking again may bring another token.
    pub(crate) fn is_renewable(&self) -> bool {
        matches!(self, Self::Source(_))
    }

    /// The token to connect with now.
    pub(crate) async fn now(&self) -> Result<Option<String>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(token) => Ok(Some(lock(token).clone())),
            Self::Source(source) => source().await.map(Some),
        }
    }

    /// A token that the gateway has accepted in place of the one from before.
    pub(crate) fn replace(&self, accepted: &str) {
        if let Self::Fixed(token) = self {
            accepted.clone_into(&mut lock(token));
        }
    }
}

impl fmt::Debug for Token {
    /// Shows where the token comes from, never the token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(…)",
            Self::Source(_) => "Source(…)",
        })
    }
}

/// When a token expires, in seconds of Unix time, if it is a JWT that says so.
pub(crate) fn expiry(token: &str) -> Option<u64> {
    #[derive(Deserialize)]
    struct Claims {
        exp: f64,
    }
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else {
        return None;
    };
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    // A number that is no time saturates, and then is far away or long past.
    Some(claims.exp as u64)
}

/// How long to wait before a token that expires then is replaced: four fifths of what is left of its life.
pub(crate) fn refresh_in(expires_at: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (Duration::from_secs(expires_at).saturating_sub(now) / 5 * 4).max(PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claims: &str, expected: Option<u64>) {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(expiry(&token), expected, "{claims}");
    }

    #[test]
    fn the_end_of_a_token_is_read_without_its_key() {
        check(r#"{"sub":"a","exp":1795465898}"#, Some(1_795_465_898));
        check(r#"{"exp":1795465898.5}"#, Some(1_795_465_898));
        check(r#"{"exp":-1}"#, Some(0));
        check(r#"{"sub":"a"}"#, None);
        check(r#"{"exp":"soon"}"#, None);
        check("no claims", None);
        for other in ["", "opaque", "a.b", "a.b.c", "v4.local.abc.def"] {
            assert_eq!(expiry(other), None, "{other}");
        }
    }

    #[test]
    fn a_token_is_replaced_before_its_life_is_over() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let wait = refresh_in(now + 1000).as_secs();
        assert!((790..=800).contains(&wait), "{wait}");
        assert_eq!(refresh_in(now - 10), PAUSE);
        assert!(refresh_in(u64::MAX) > Duration::from_secs(1 << 40));
    }
}
