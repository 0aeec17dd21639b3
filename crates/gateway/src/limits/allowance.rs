//! What may be asked on one connection. Nothing is locked or allocated to find out.

use super::account::Account;
use super::bucket::{Bucket, Rate};
use metrics::Limit;
use std::fmt;
use std::sync::Arc;

/// How long refusals are counted together, in nanoseconds.
const WINDOW: u64 = 10_000_000_000;

/// One of the limits that hold for a connection.
#[derive(Clone, Debug)]
pub(super) struct Share {
    pub(super) limit: Limit,
    pub(super) rate: Rate,
    pub(super) counted: Counted,
}

/// Where it is counted what was taken of a limit.
#[derive(Clone, Debug)]
pub(super) enum Counted {
    /// At this pod.
    Here(Arc<Bucket>),
    /// Over all pods.
    Everywhere(Arc<Account>),
}

impl Share {
    fn bucket(&self) -> &Bucket {
        match &self.counted {
            Counted::Here(bucket) => bucket,
            Counted::Everywhere(account) => (**account).as_ref(),
        }
    }

    const fn account(&self) -> Option<&Arc<Account>> {
        match &self.counted {
            Counted::Here(_) => None,
            Counted::Everywhere(account) => Some(account),
        }
    }
}

/// The limits that hold for a connection, and how often it was over them.
#[derive(Debug)]
pub(crate) struct Allowance {
    shares: Box<[Share]>,
    refused: u32,
    refused_since: u64,
}

/// A request is over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Over {
    pub(crate) limit: Limit,
    /// After so long there is one again.
    pub(crate) retry_after_ms: u64,
}

impl Over {
    /// What is told besides, as JSON.
    pub(crate) fn details(self) -> String {
        let Self { limit, retry_after_ms } = self;
        format!("{{\"limit\":\"{}\",\"retry_after_ms\":{retry_after_ms}}}", limit.name())
    }
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, retry_after_ms } = self;
        write!(
            f,
            "the rate limit of this {} is reached: send it again in {retry_after_ms} ms; nothing was done",
            limit.name()
        )
    }
}

impl Allowance {
    pub(super) const fn new(shares: Box<[Share]>) -> Self {
        Self { shares, refused: 0, refused_since: 0 }
    }

    /// The bucket that counts for this limit at this rate, if there is one.
    pub(super) fn bucket(&self, limit: Limit, rate: Rate) -> Option<Arc<Bucket>> {
        let is_same = |share: &&Share| share.limit == limit && share.rate == rate;
        match &self.shares.iter().find(is_same)?.counted {
            Counted::Here(bucket) => Some(Arc::clone(bucket)),
            Counted::Everywhere(_) => None,
        }
    }

    /// Refusals count on from those of this one.
    pub(super) const fn go_on_from(&mut self, before: &Self) {
        (self.refused, self.refused_since) = (before.refused, before.refused_since);
    }

    /// Takes one request, for whose method this is the limit, if there is one. Of what is over one limit the others take
    /// nothing.
    ///
    /// # Errors
    /// The first limit that it is over.
    pub(super) fn take(&self, method: Option<&Share>, now: u64) -> Result<(), Over> {
        let all = || self.shares.iter().chain(method);
        for (taken, share) in all().enumerate() {
            if let Err(wait) = share.bucket().take(share.rate, now) {
                all().take(taken).for_each(|share| share.bucket().give_back(share.rate));
                return Err(Over { limit: share.limit, retry_after_ms: wait.div_ceil(1_000_000) });
            }
        }
        self.accounts().for_each(|account| account.spend(now));
        Ok(())
    }

    /// The first account that has to be settled before anything more is taken.
    pub(crate) fn held(&self) -> Option<&Arc<Account>> {
        self.accounts().find(|account| account.is_held())
    }

    fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.shares.iter().filter_map(Share::account)
    }

    /// One more request was refused. Answers how many were in ten seconds.
    pub(super) const fn refused(&mut self, now: u64) -> u32 {
        if now.saturating_sub(self.refused_since) >= WINDOW {
            (self.refused, self.refused_since) = (0, now);
        }
        self.refused = self.refused.saturating_add(1);
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn share(limit: Limit, burst: u32) -> Share {
        Share {
            limit,
            rate: Rate::new(1, Duration::from_secs(1), burst),
            counted: Counted::Here(Arc::default()),
        }
    }

    #[test]
    fn what_is_over_one_limit_costs_nothing_at_the_others() {
        let (wide, narrow) = (share(Limit::User, 3), share(Limit::Method, 1));
        let allowance = Allowance::new([wide].into());
        let over = |limit, retry_after_ms| Err(Over { limit, retry_after_ms });
        assert_eq!(allowance.take(Some(&narrow), 0), Ok(()));
        for _ in 0..10 {
            assert_eq!(allowance.take(Some(&narrow), 0), over(Limit::Method, 1_000));
        }
        assert_eq!(allowance.take(None, 0), Ok(()));
        assert_eq!(allowance.take(None, 0), Ok(()));
        assert_eq!(allowance.take(None, 1), over(Limit::User, 1_000), "rounded up");
    }

    #[test]
    fn refusals_of_ten_seconds_count_together() {
        let mut allowance = Allowance::new([].into());
        let counts = [0, 1, WINDOW - 1, WINDOW, WINDOW + 1].map(|now| allowance.refused(now));
        assert_eq!(counts, [1, 2, 3, 1, 2]);
    }
}
