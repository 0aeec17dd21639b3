//! Streams that last: when they end though their client still listens.

use super::Link;
use super::problem::Problem;
use auth::Identity;
use protocol::ErrorCode;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    /// The pod drains.
    Left,
    /// The token has run out.
    Expired,
    /// The holder is not recognised any more, and why.
    Disowned(&'static str),
}

impl Over {
    /// What the client did not do right; nothing where the pod goes.
    pub(super) fn problem(self) -> Option<Problem> {
        let why = match self {
            Self::Left => return None,
            Self::Expired => "the token has expired",
            Self::Disowned(why) => why,
        };
        Some(Problem::new(ErrorCode::AuthenticationFailed, why))
    }
}

/// Waits until a stream of this holder has to end. Cancel safe.
pub(super) async fn over(link: &Link, identity: &Identity, expires: Option<Instant>) -> Over {
    let expired = async {
        match expires {
            Some(moment) => sleep_until(moment).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = link.left() => Over::Left,
        () = expired => Over::Expired,
        why = link.disowned(identity) => Over::Disowned(why),
    }
}

/// When a stream ends whose token has run out; never for one that does not.
pub(super) fn expiry(identity: &Identity, grace_s: u64) -> Option<Instant> {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
    let left = identity.expires_at()?.saturating_sub(now).saturating_add(grace_s);
    Instant::now().checked_add(Duration::from_secs(left))
}
